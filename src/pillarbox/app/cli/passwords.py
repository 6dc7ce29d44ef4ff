"""Where a new password comes from: asked for twice, or one line of standard input.

Never from the command line, which every user of the machine can read in ``ps``.
"""

from __future__ import annotations

import getpass
import sys

import typer

from pillarbox.app.cli.exits import CommandFailed, ExitCode

# Far more than any password that is accepted; a wrong file must not fill the memory.
MAX_LINE_OCTETS = 4096
TRIES = 3


def new_password(name: str, *, from_stdin: bool) -> str:
    """The new password for *name*.

    Raises:
        CommandFailed: there is nobody to ask, or the two do not agree.
    """
    if from_stdin:
        return _line_of_stdin()
    if not sys.stdin.isatty():
        raise CommandFailed(
            "there is no terminal to ask for the password: use --password-stdin", ExitCode.USAGE
        )
    for _ in range(TRIES):
        password = getpass.getpass(f"New password for {name}: ")
        if password == getpass.getpass("The same again: "):
            return password
        typer.echo("The two are not the same.", err=True)
    raise CommandFailed("no password was set", ExitCode.USAGE)


def _line_of_stdin() -> str:
    line = sys.stdin.buffer.readline(MAX_LINE_OCTETS)
    if len(line) == MAX_LINE_OCTETS:
        raise CommandFailed("the line on standard input is no password: too long", ExitCode.USAGE)
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    if not line:
        raise CommandFailed("standard input holds no password: its line is empty", ExitCode.USAGE)
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise CommandFailed("the password on standard input is not UTF-8", ExitCode.USAGE) from None
