"""A password from standard input: one line."""

from __future__ import annotations

import sys

from pillarbox.app.exits import CommandFailed, ExitCode

# Far more than any password that is accepted; a wrong file must not fill the memory.
MAX_LINE_OCTETS = 4096


def password_of_stdin() -> str:
    """The password in the first line of standard input.

    Raises:
        CommandFailed: there is none.
    """
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
