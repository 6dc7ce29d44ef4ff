"""How a command ends: one clear sentence on stderr, and one of five exit codes.

Scripts rely on the codes; the one table below turns errors into them. Nobody sees a
traceback unless ``--debug`` (or ``PILLARBOX_DEBUG=1``) asks for it.
"""

from __future__ import annotations

import sys
import traceback
from enum import IntEnum

import typer

from pillarbox.app.config.faults import ConfigError
from pillarbox.auth.errors import (
    AccountExists,
    InvalidName,
    InvalidPassword,
    InvalidQuota,
    NoSuchAccount,
)
from pillarbox.contracts.errors import CredentialsRefused, PillarboxError


class ExitCode(IntEnum):
    """What ``$?`` says."""

    DONE = 0
    PARTIAL = 1
    """Done in part, or failed and worth another try."""
    USAGE = 2
    """The command line or the configuration has to change first."""
    REFUSED = 3
    """Authentication refused."""
    INSECURE = 4
    """Refused for security: TLS, certificate."""


class CommandFailed(PillarboxError):
    """A command cannot do what it was asked; the message says why, and the remedy."""

    def __init__(self, message: str, code: ExitCode = ExitCode.PARTIAL) -> None:
        super().__init__(message)
        self.code = code


# The first row that fits; what is not here is worth another try, or a bug.
_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (ConfigError, ExitCode.USAGE),
    (InvalidName, ExitCode.USAGE),
    (InvalidPassword, ExitCode.USAGE),
    (InvalidQuota, ExitCode.USAGE),
    (AccountExists, ExitCode.USAGE),
    (NoSuchAccount, ExitCode.USAGE),
    (CredentialsRefused, ExitCode.REFUSED),
)


def code_of(error: BaseException) -> ExitCode:
    """The exit code that *error* deserves."""
    if isinstance(error, CommandFailed):
        return error.code
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.PARTIAL)


def sentence(error: BaseException) -> str:
    """What *error* means, for an operator."""
    if isinstance(error, ConfigError):
        return str(error)  # a line each, and each begins with its place
    if isinstance(error, PillarboxError):
        return f"pillarbox: {error}"
    if isinstance(error, KeyboardInterrupt):
        return "pillarbox: interrupted"
    if isinstance(error, OSError) and error.strerror:
        file = f"{error.filename}: " if error.filename else ""
        return f"pillarbox: {file}{error.strerror}"
    return (
        f"pillarbox: unexpected {type(error).__name__}: {error}; this is a defect, please report "
        "it with what `pillarbox --debug …` shows"
    )


def fail(error: BaseException, *, debug: bool) -> typer.Exit:
    """Say what went wrong; returns the exception that ends the command."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    typer.echo(sentence(error), err=True)
    return typer.Exit(code_of(error))
