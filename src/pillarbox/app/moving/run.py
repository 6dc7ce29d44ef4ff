"""One user after the other, a few at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from pillarbox.app.wire_up import Engine
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.copying import Copied, copy_accounts, everybody
from pillarbox.contracts.errors import (
    LockLost,
    MaildropExists,
    MaildropLocked,
    StoreUnavailable,
)
from pillarbox.contracts.transfer import TakenOver

AT_ONCE = 4
"""Users: while one waits for a disk or a network, others get on. Each may have a message in memory."""
NOTHING = TakenOver()
CHANGES = ("added", "replaced")
"""Of an account."""
_LATER = (MaildropLocked, MaildropExists, LockLost)
"""What concerns one user only."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one user."""

    user: str
    mail: TakenOver = NOTHING
    account: str = ""
    """What became of it, and of devices: ``added``, ``replaced``, ``left`` as it is here; empty: nothing."""
    problem: str = ""
    """Why nothing was done; empty: all was."""

    @property
    def is_news(self) -> bool:
        """Whether anything was done, or should have been."""
        mail = self.mail
        return bool(
            mail.messages
            or mail.removed
            or mail.views
            or mail.failed
            or self.account in CHANGES
            or self.problem
        )


@dataclass(slots=True)
class Totals:
    """What became of all of them."""

    users: int = 0
    messages: int = 0
    octets: int = 0
    accounts: int = 0
    later: list[str] = field(default_factory=list)
    """Users who have to be moved again."""
    failed: int = 0
    """Messages that cannot be read."""
    only_here: list[str] = field(default_factory=list)
    """Users of whom nothing is there; looked for when all are moved."""

    def add(self, moved: Moved) -> None:
        self.users += 1
        self.messages += moved.mail.messages
        self.octets += moved.mail.octets
        self.accounts += moved.account in CHANGES
        self.failed += len(moved.mail.failed)
        if moved.problem:
            self.later.append(moved.user)


class Office(NamedTuple):
    """What is kept in one post office."""

    store: Engine
    accounts: Accounts


class Mover:
    """Moves users; ``totals`` says how far it came."""

    def __init__(
        self,
        source: Office,
        target: Office,
        *,
        only_look: bool,
        tell: Callable[[Moved], None],
    ) -> None:
        """*tell*: is called with each user who is done."""
        self.totals = Totals()
        self._source = source
        self._target = target
        self._only_look = only_look
        self._kept: frozenset[str] = frozenset()
        """Of whom there is an account, or a device, in the source."""
        self._tell = tell

    async def run(self, users: Sequence[str]) -> None:
        """Move *users*.

        Raises:
            StoreUnavailable, AccountsUnavailable: a storage fails; what was done by then is durable.
            SecretsDiffer: accounts cannot be moved here; nothing was done.
        """
        source = self._source.accounts.place
        if self._only_look and not source.is_lost():
            self._kept = frozenset(await asyncio.to_thread(everybody, source))
        await self._copied([], replace=False)
        waiting = iter(users)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(AT_ONCE, len(users))):
                    group.create_task(self._work(waiting))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _work(self, waiting: Iterator[str]) -> None:
        for user in waiting:  # shared by all who work
            moved = await self._move(user)
            self.totals.add(moved)
            self._tell(moved)

    async def _move(self, user: str) -> Moved:
        try:
            mail = await self._mail(user)
        except _LATER as error:
            return Moved(user, problem=str(error))
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{user}: {error}", temporary=error.temporary) from error
        return Moved(user, mail, await self._copied([user], replace=not mail.used))

    async def _mail(self, user: str) -> TakenOver:
        export = await self._source.store.export(user, lock=not self._only_look)
        if export is None:
            views = (await self._target.store.status(user)).views
            return TakenOver(used=any(view.seen_at is not None for view in views))
        try:
            return await self._target.store.take_over(export, only_look=self._only_look)
        finally:
            await export.release()

    async def _copied(self, users: Sequence[str], *, replace: bool) -> str:
        """What became of the accounts of *users*, who are one at the most."""
        if self._source.accounts.place.is_lost():  # all of them are kept elsewhere
            return ""
        if self._only_look and self._target.accounts.place.is_lost():
            return "added" if users and self._kept.issuperset(users) else ""
        return await asyncio.to_thread(self._copy, users, replace=replace)

    def _copy(self, users: Sequence[str], *, replace: bool) -> str:
        done = partial(
            copy_accounts, self._source.accounts, self._target.accounts, users, replace=replace
        )
        # Most have been copied before: to find that out, nothing has to be written.
        became = "" if self._target.accounts.place.is_lost() else _what(done(dry_run=True))
        if self._only_look or became in {"same", "left"}:
            return became
        return _what(done())


def _what(copied: Copied) -> str:
    """What became of the only user, if anything did."""
    return next((what for what, names in copied._asdict().items() if names), "")
