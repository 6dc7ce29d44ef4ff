"""Collecting mail as a command: what stands between :mod:`pillarbox.fetch` and its users.

From the command line to an account:

``arguments``, ``wish``   the options, and the command line taken apart
``choices``               what it means
``keys``                  every setting of an account: one row each
``configuration``         the accounts of the configuration file
``layers``                command line, account, defaults: which counts
``recipe``                from all that to an account
``credentials``           its password: standard input, a command, the keyring, a person
``password_command``      a command that prints a password
``tokens``                OAuth 2

What is done:

``command``               ``pillarbox fetch``, from a wish to an exit code
``session``               one call that collects: who listens, what is asked, how it ends
``running``               runs, and signals that end them
``previewing``            ``--dry-run``
``confirming``            a person is asked before mail goes that was to be kept
``sign_in``               ``pillarbox fetch login``
``outcomes``              what runs come to

Who is told:

``voice``                 stdout and stderr, which may go away
``listening``             who hears what happens
``lines``                 people and logs
``bars``                  people at a terminal
``events``                scripts

A poll that finds nothing new takes less than a tenth of a second, most of it imports. So
nothing here imports Typer, rich or anything of the server's, and what is seldom needed is
imported where it is.
"""
