"""Room: what a mailbox, a message and a poll add to the database, and to its write-ahead log.

After a checkpoint the first change to each page has the log keep the page, whole. So the log is measured for
a few mailboxes *alone*, each of which is the first of its pages: the most that it can be; and for *all*, once
between two checkpoints: mailboxes whose rows share pages share that, too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from bench.cluster.letters import letter
from bench.cluster.mail import LARGE, SMALL
from bench.cluster.places import Cluster
from pillarbox.contracts.store import Store
from pillarbox.model import Identity, Recipient
from pillarbox.wire.canonical import stored_form

MEDIUM = 20_000
POLLS = 20
_AT_ONCE = 16
_FEW = 100
"""One in so many is measured alone."""

Act = Callable[[Store, str], Awaitable[None]]


@dataclass(frozen=True)
class Room:
    """Of one thing that was done to each of many mailboxes."""

    what: str
    tables: dict[str, float]
    """Bytes that each table has grown by, with its indexes, for each mailbox, after a vacuum."""
    log: float
    """Bytes of write-ahead log for each mailbox, when all do it between two checkpoints."""
    log_alone: float = 0.0
    """The same, when few do."""


def room(cluster: Cluster, mailboxes: int) -> Iterator[Room]:
    """Of an unused cluster: what so many mailboxes take, one thing after the other."""
    users = [f"mailbox{number:07}" for number in range(mailboxes)]
    random.Random(1).shuffle(users)
    ledger = _Ledger(cluster, users)
    cluster.add_accounts(users)
    yield ledger.entry("an account")
    yield ledger.each("opened for the first time, empty", _open)
    for octets in (SMALL, MEDIUM, LARGE):
        yield ledger.each(f"a message of {octets:,} octets delivered", _delivery(octets))
    yield ledger.each("a poll", _open)
    for _ in range(POLLS - 1):
        ledger.done(users, _open)
    yield ledger.each(f"{POLLS} more polls (log: of one)", _open)
    yield ledger.each("its three messages deleted", _delete)


class _Ledger:
    """What there was the last time somebody looked."""

    def __init__(self, cluster: Cluster, users: list[str]) -> None:
        self._cluster = cluster
        self._database = cluster.database
        self._users = users
        self._room = self._look()
        self._log = self._database.log_bytes()

    def each(self, what: str, act: Act) -> Room:
        """Do this to each mailbox: to a few of them first, and then to the others."""
        few = max(len(self._users) // _FEW, 1)
        alone = self._logged(self._users[:few], act)
        among_all = self._logged(self._users[few:], act)
        return self.entry(what, among_all, alone)

    def entry(self, what: str, log: float | None = None, log_alone: float = 0.0) -> Room:
        """What has changed since the last one."""
        if log is None:
            log = (self._database.log_bytes() - self._log) / len(self._users)
        before, self._room = self._room, self._look()
        grown = {table: size - before[table] for table, size in self._room.items()}
        each = {table: size / len(self._users) for table, size in grown.items() if size}
        self._log = self._database.log_bytes()
        return Room(what, each, log, log_alone)

    def done(self, users: list[str], act: Act) -> None:
        """Do it."""
        asyncio.run(self._done(users, act))

    def _logged(self, users: list[str], act: Act) -> float:
        """Do it after a checkpoint; what the log has grown by for each."""
        self._database.checkpoint()
        before = self._database.log_bytes()
        self.done(users, act)
        return (self._database.log_bytes() - before) / len(users)

    def _look(self) -> dict[str, int]:
        self._database.vacuum(self._cluster.name)
        return self._database.room(self._cluster.name)

    async def _done(self, users: list[str], act: Act) -> None:
        turns = asyncio.Semaphore(_AT_ONCE)
        store = await self._cluster.opened()

        async def one(user: str) -> None:
            async with turns:
                await act(store, user)

        await asyncio.gather(*map(one, users))
        await store.close()


async def _open(store: Store, user: str) -> None:
    maildrop = await store.open(Identity(user))
    await maildrop.release()


async def _delete(store: Store, user: str) -> None:
    maildrop = await store.open(Identity(user))
    await maildrop.commit(range(1, maildrop.count + 1))
    await maildrop.release()


def _delivery(octets: int) -> Act:
    """Of another message for each."""

    async def deliver(store: Store, user: str) -> None:
        message = stored_form(letter(octets, int(user[-7:])))
        (outcome,) = await store.deliver(message, [Recipient(user)])
        if outcome is not None:
            raise RuntimeError(f"the message for {user} was not taken: {outcome}")

    return deliver
