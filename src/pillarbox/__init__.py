"""Pillarbox: a post office box in software.

A POP3 server that people can trust with their mail. ``ARCHITECTURE.md`` at the
root of the repository draws the house; the floors, from the ground up:

``wire``, ``sasl``, ``model``
    POP3 and SASL as pure functions and state machines.
``contracts``
    What the rest needs from a store, an account directory, a meter.
``store``, ``auth``
    Engines that keep mail; accounts and passwords.
``server``, ``delivery``
    Mail going out over POP3; mail coming in over LMTP and SMTP.
``app``
    Configuration, wiring, the supervisor and the commands.
"""

__version__ = "0.1.0"
