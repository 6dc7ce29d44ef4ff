"""Collecting mail as a command: what stands between :mod:`pillarbox.fetch` and its users.

``keys``              every setting of an account: one row each
``configuration``     the accounts of the configuration file
``layers``            command line, account, defaults: which counts
``recipe``            from all that to an account
``credentials``       its password: standard input, a command, the keyring, a person
``password_command``  a command that prints a password
``tokens``            OAuth 2
``arguments``, ``wish``   the options, and the command line taken apart
``choices``           what it means
``command``           ``pillarbox fetch``, from a wish to an exit code
``sign_in``           ``pillarbox fetch login``
``running``           runs, with signals that end them
``confirming``        a person is asked before mail goes that was to be kept
``voice``             stdout and stderr, which may go away
``lines``, ``events``, ``bars``   for people and logs, for scripts, on a terminal

A poll that finds nothing new takes less than a tenth of a second, most of it imports. So
nothing here imports Typer, rich or anything of the server's, and what is seldom needed is
imported where it is.
"""
