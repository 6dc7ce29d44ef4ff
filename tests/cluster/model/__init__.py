"""A model of the lease: what the engine's statements do, and all that can happen around them.

``database``   rows, transactions that see one moment, a standby, a clock
``statements`` what the engine asks of the database, with the premises that can be left out
``network``    requests that are late, lost, or believed lost while they go on
``world``      processes and their sessions, as the engine has them; and what clients were told
"""
