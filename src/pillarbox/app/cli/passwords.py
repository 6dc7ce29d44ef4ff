"""Where a new password comes from: asked for twice, or one line of standard input.

Never from the command line, which every user of the machine can read in ``ps``.
"""

from __future__ import annotations

import getpass
import sys

from pillarbox.app.exits import CommandFailed, ExitCode
from pillarbox.app.stdin_password import password_of_stdin

TRIES = 3


def new_password(name: str, *, from_stdin: bool) -> str:
    """The new password for *name*.

    Raises:
        CommandFailed: there is nobody to ask, or the two do not agree.
    """
    if from_stdin:
        return password_of_stdin()
    if not sys.stdin.isatty():
        raise CommandFailed(
            "there is no terminal to ask for the password: use --password-stdin", ExitCode.USAGE
        )
    for _ in range(TRIES):
        password = getpass.getpass(f"New password for {name}: ")
        if password == getpass.getpass("The same again: "):
            return password
        sys.stderr.write("The two are not the same.\n")
    raise CommandFailed("no password was set", ExitCode.USAGE)
