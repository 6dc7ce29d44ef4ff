"""What is promised of accounts, and of their collecting."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from pillarbox.fetch.account import Account
from pillarbox.reader.model import (
    Identity,
    Status,
)
from pillarbox.reader.submission import Submission


class Collector(Protocol):
    """The accounts' mail comes in. On the event loop."""

    def statuses(self) -> Sequence[Status]: ...

    def collect(self, account: str | None = None) -> None:
        """Now: this one, or all; those that run already are left alone."""
        ...

    def confirm(self, account: str) -> None:
        """The user says yes to what :attr:`.model.Collecting.CONFIRM` asks; collects now."""
        ...

    def refresh(self) -> None:
        """Accounts have come, gone or changed."""
        ...

    def resting(self, account: str) -> AbstractAsyncContextManager[None]:
        """Nobody collects *account* meanwhile; then it begins anew, as its settings are then. Waits for another rest to end."""
        ...

    async def run(self) -> None:
        """Collect on a schedule, until cancelled."""
        ...


class Accounts(Protocol):
    """Which accounts there are. Given from outside: the reader reads no configuration. Blocking; from any
    thread, but for what is ``async``.
    """

    def names(self) -> Sequence[str]: ...

    def identity(self, account: str) -> Identity: ...

    def problem(self, account: str) -> str:
        """What is wrong with its settings, in sentences; empty: nothing."""
        ...

    def troubles(self) -> Sequence[str]:
        """What is wrong elsewhere, one sentence each: an account of a name that none can have is not among :meth:`names`."""
        ...

    def to_collect(self, account: str, into: Path) -> Account:
        """The account as the collector takes it, its target being the Maildir *into*. May run programs and ask the
        keyring. Raises :class:`pillarbox.contracts.errors.PillarboxError`.
        """
        ...

    def to_submit(self, account: str) -> Submission:
        """Where its mail leaves. Raises :class:`.errors.NotSendable` if it cannot."""
        ...

    @property
    def state(self) -> Path:
        """The folder of the collector's journals: that of ``pillarbox fetch``, so that both know the same."""
        ...

    @property
    def kept(self) -> Sequence[Path]:
        """Where the accounts and their passwords are: what a backup has to have, too. Passwords in a keyring are not among it."""
        ...
