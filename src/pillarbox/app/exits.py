"""How a command ends: one of five exit codes, and one clear sentence for each error.

Scripts rely on the codes; the one table below turns errors into them. Where several accounts
are collected at once, the most serious one counts: a refusal for security before one of the
sign-in, that before a mistake in the settings, that before what is worth another try.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import IntEnum

from pillarbox.app.config.faults import ConfigError
from pillarbox.auth.errors import (
    AccountExists,
    DeviceExists,
    InvalidHash,
    InvalidName,
    InvalidPassword,
    InvalidQuota,
    NoSuchAccount,
    NoSuchDevice,
)
from pillarbox.client.errors import Insecure, InvalidSetting, SignInRefused
from pillarbox.contracts.errors import CredentialsRefused, NoSuchView, PillarboxError
from pillarbox.fetch.errors import InvalidDestination
from pillarbox.fetch.oauth.errors import (
    InvalidOAuthSettings,
    ProviderRefused,
    SignInFailed,
    SignInNeeded,
)


class ExitCode(IntEnum):
    """What ``$?`` says; the larger, the more serious."""

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


# fmt: off
_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    # The first row that fits; what is not here is worth another try, or a bug.
    (ConfigError,          ExitCode.USAGE),
    (InvalidName,          ExitCode.USAGE),
    (InvalidPassword,      ExitCode.USAGE),
    (InvalidQuota,         ExitCode.USAGE),
    (InvalidHash,          ExitCode.USAGE),
    (AccountExists,        ExitCode.USAGE),
    (NoSuchAccount,        ExitCode.USAGE),
    (DeviceExists,         ExitCode.USAGE),
    (NoSuchDevice,         ExitCode.USAGE),
    (NoSuchView,           ExitCode.USAGE),
    (CredentialsRefused,   ExitCode.REFUSED),
    # Collecting mail.
    (InvalidSetting,       ExitCode.USAGE),
    (InvalidDestination,   ExitCode.USAGE),
    (InvalidOAuthSettings, ExitCode.USAGE),
    (SignInRefused,        ExitCode.REFUSED),
    (SignInNeeded,         ExitCode.REFUSED),
    (SignInFailed,         ExitCode.REFUSED),
    (ProviderRefused,      ExitCode.REFUSED),
    (Insecure,             ExitCode.INSECURE),
)
# fmt: on


def code_of(error: BaseException) -> ExitCode:
    """The exit code that *error* deserves."""
    if isinstance(error, CommandFailed):
        return error.code
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.PARTIAL)


def most_serious(codes: Iterable[ExitCode]) -> ExitCode:
    """The one to end with."""
    return max(codes, default=ExitCode.DONE)


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


def explain(error: BaseException, *, debug: bool) -> ExitCode:
    """Say on stderr what went wrong; returns the exit code.

    Nobody sees a traceback unless ``--debug`` (or ``PILLARBOX_DEBUG=1``) asks for it.
    """
    if debug:
        import traceback  # noqa: PLC0415 -- only here

        traceback.print_exception(error, file=sys.stderr)
    sys.stderr.write(f"{sentence(error)}\n")
    return code_of(error)
