"""Moving maildrops out of the store, and into it (see :mod:`pillarbox.store.moving`).

A maildrop is read whole at one moment, by a thread and a connection of its own; bodies are read when
they are asked for. What has come from elsewhere is remembered in ``arrivals``, which also keeps a
maildrop closed until all of it is there, and in ``brought``.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from contextlib import closing
from typing import Any, NamedTuple

from pillarbox.contracts.errors import BodyDamaged, LockLost, MaildropLocked, StoreUnavailable
from pillarbox.contracts.store import Body
from pillarbox.contracts.transfer import MovedMessage, MovedView
from pillarbox.store.embedded.errors import unavailable
from pillarbox.store.embedded.jobs import MakeMaildrop
from pillarbox.store.embedded.moving_jobs import Begin, Complete, Locked, Put, standing
from pillarbox.store.embedded.schema import connect
from pillarbox.store.embedded.shards import Shard, ViewLock
from pillarbox.store.embedded.staging import LargeBodies
from pillarbox.store.embedded.stream import FileStream
from pillarbox.store.embedded.transaction import Job
from pillarbox.store.embedded.views import DELETED, LISTED
from pillarbox.store.moving import Arrival, Coming, Completion, marks_in

_VIEWS = """
    SELECT id, name, created_at, seen_at, opened_at, absent FROM views WHERE maildrop = ?
    ORDER BY id
"""
_MESSAGES = f"""
    SELECT m.seq, m.unique_id, m.octets, coalesce(b.stored, 0), b.international, m.received_at,
        {DELETED}, (SELECT group_concat(v.id) FROM views AS v
            WHERE v.maildrop = m.maildrop AND NOT ({LISTED}))
    FROM messages AS m LEFT JOIN bodies AS b ON b.id = m.body
    WHERE m.maildrop = ? ORDER BY m.seq
"""  # noqa: S608 - our own text
_BODY = """
    SELECT m.octets, m.body, b.stored, b.international, b.data
    FROM messages AS m LEFT JOIN bodies AS b ON b.id = m.body WHERE m.maildrop = ? AND m.seq = ?
"""


class Found(NamedTuple):
    """A maildrop as one read found it."""

    maildrop: int
    origin: str | None
    """None: the index has no identity yet."""
    next_seq: int
    views: Sequence[MovedView]
    messages: Sequence[MovedMessage]
    seqs: Sequence[int]
    arrival: Arrival | None
    used: bool
    lost: Collection[str]


class EmbeddedExport:
    """Implements :class:`~pillarbox.contracts.transfer.Export`."""

    def __init__(
        self, shard: Shard, user: str, found: Found, locks: Sequence[ViewLock], executor: Executor
    ) -> None:
        self.user = user
        self.origin = found.origin or ""
        """Empty: the index has no identity yet, and the maildrop is only looked at."""
        self.next_seq = found.next_seq
        self.views = found.views
        self.messages = found.messages
        self.seqs = found.seqs
        self.lost = found.lost
        self._shard = shard
        self._found = found
        self._locks = locks
        self._executor = executor

    async def body(self, place: int) -> Body:
        shard, seq = self._shard, self.seqs[place]
        rows = shard.rows(_BODY, self._found.maildrop, seq)
        if not rows or rows[0][2] is None:
            raise BodyDamaged(f"the body of message {seq} is missing from {shard.index}")
        ((octets, body, stored, international, data),) = rows
        if data is not None:
            return Body(octets, stored, bool(international), data)
        path = shard.bodies.path(body)
        try:
            stream = FileStream(path, stored, self._executor)
        except OSError as error:
            raise unavailable(error, path) from error
        return Body(octets, stored, bool(international), stream)

    async def must_be_locked(self) -> None:
        if not self._shard.are_locked(self._found.maildrop, self._locks):
            raise LockLost(
                f"maildrop of {self.user}: it was unlocked while it was moved from there"
            )

    async def release(self) -> None:
        self._shard.unlock_all(self._locks)
        self._locks = ()


class EmbeddedLanding:
    """Implements :class:`~pillarbox.store.moving.Landing`."""

    def __init__(
        self,
        shard: Shard,
        user: str,
        found: Found | None,
        locked: Locked | None,
        large: LargeBodies,
    ) -> None:
        self.views: Sequence[MovedView] = found.views if found else ()
        self.messages: Sequence[MovedMessage] = found.messages if found else ()
        self.arrival = found.arrival if found else None
        self.used = bool(found and found.used)
        self._shard = shard
        self._user = user
        self._locked = locked
        self._large = large
        self._pending: asyncio.Future[Any] | None = None

    async def begin(self, origin: str, *, mirrors: bool) -> None:
        await self._write(Begin(self._user, self._mine, origin, mirrors=mirrors))

    async def put(self, batch: Sequence[Coming]) -> None:
        staged = await self._large.staged([coming.data for coming in batch])
        await self._write(Put(self._user, self._mine, batch, staged))

    async def complete(self, completion: Completion) -> None:
        await self._write(Complete(self._user, self._mine, completion))

    def release(self) -> None:
        for view in self._locked.views if self._locked else ():
            if self._pending is not None and not self._pending.done():  # we are cancelled
                self._shard.unlock_after(view.byte, self._pending)
            else:
                self._shard.unlock(view.byte)
        self._locked = None

    @property
    def _mine(self) -> Locked:
        assert self._locked is not None  # noqa: S101 - it is not only looked at
        return self._locked

    async def _write(self, job: Job[Any]) -> Any:
        self._pending = self._shard.writer.submit(job)
        outcome = await asyncio.shield(self._pending)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def find(shard: Shard, user: str) -> int | None:
    """The number of the maildrop of *user*; None: there is none."""
    rows = shard.rows("SELECT id FROM maildrops WHERE name = ?", user)
    return rows[0][0] if rows else None


def lock_all(shard: Shard, user: str, maildrop: int, *, also_closed: bool = False) -> Locked:
    """Lock all views of a maildrop.

    Raises:
        MaildropLocked: somebody has one of them open, or it is not whole.
    """
    views = shard.lock_all(maildrop, also_closed=also_closed)
    if views is None:
        raise MaildropLocked(f"the maildrop of {user} is in use, or is being moved here")
    return Locked(maildrop, views)


async def land(shard: Shard, user: str, large: LargeBodies, *, lock: bool) -> EmbeddedLanding:
    """What is here of a maildrop that is to be moved here; made if there is none, and locked, unless it
    is only to be looked at.

    Raises:
        MaildropLocked: somebody has one of its views open.
        StoreUnavailable: the index cannot be read.
    """
    if lock and find(shard, user) is None:
        await shard.write(MakeMaildrop(user, opened=False))
    maildrop = find(shard, user)
    locked = None
    if lock and maildrop is not None:
        locked = lock_all(shard, user, maildrop, also_closed=True)
    try:
        found = await read(shard, user)
    except BaseException:
        shard.unlock_all(locked.views if locked else ())
        raise
    if locked and (found is None or found.maildrop != maildrop):
        shard.unlock_all(locked.views)
        raise MaildropLocked(f"the maildrop of {user} has been removed in this moment")
    return EmbeddedLanding(shard, user, found, locked, large)


def must_have_origin(shard: Shard, found: Found) -> None:
    """Refuse to move what could not be known again the next time.

    Raises:
        StoreUnavailable: an older Pillarbox has written the index.
    """
    if found.origin is None:
        raise StoreUnavailable(
            f"index {shard.index} is of an older Pillarbox and has no identity yet, by which the next "
            "import knows it again: start its server once with this Pillarbox, then import",
            temporary=False,
        )


async def read(shard: Shard, user: str) -> Found | None:
    """A maildrop as it is now; None: there is none.

    Raises:
        StoreUnavailable: the index cannot be read.
    """
    return await asyncio.to_thread(_read, shard, user) if shard.exists else None


def _read(shard: Shard, user: str) -> Found | None:
    try:
        with closing(connect(shard.index, read_only=True)) as sql:
            sql.execute("BEGIN")
            rows = sql.execute(
                "SELECT id, next_seq FROM maildrops WHERE name = ?", (user,)
            ).fetchall()
            return _found(sql, *rows[0]) if rows else None
    except (sqlite3.Error, OSError) as error:
        raise unavailable(error, shard.index) from error


def _found(sql: sqlite3.Connection, maildrop: int, next_seq: int) -> Found:
    views = sql.execute(_VIEWS, (maildrop,)).fetchall()
    names = {view: name for view, name, *_ in views}
    known: dict[str | None, frozenset[str]] = {None: frozenset()}  # most are alike
    seqs, messages = [], []
    for seq, unique_id, octets, stored, utf8, received_at, deleted, unlisted in sql.execute(
        _MESSAGES, (maildrop,)
    ):
        if unlisted not in known:
            known[unlisted] = frozenset(names[int(view)] for view in unlisted.split(","))
        seqs.append(seq)
        messages.append(
            MovedMessage(
                unique_id,
                octets,
                stored,
                bool(utf8),
                received_at,
                bool(deleted),
                known[unlisted],
            )
        )
    moved = [
        MovedView(name, created_at, seen_at, opened_at, bool(absent))
        for _, name, created_at, seen_at, opened_at, absent in views
    ]
    arrival, used = _arrival(sql, maildrop, moved)
    origin = _origin(sql, maildrop)
    taken = sql.execute(
        "SELECT unique_id FROM taken_off WHERE maildrop = ?", (maildrop,)
    ).fetchall()
    lost = {name for (name,) in taken}
    return Found(maildrop, origin, next_seq, moved, messages, seqs, arrival, used, lost)


def _arrival(
    sql: sqlite3.Connection, maildrop: int, views: Sequence[MovedView]
) -> tuple[Arrival | None, bool]:
    """What an earlier move has left, and whether the maildrop has been used since."""
    rows = sql.execute(
        "SELECT origin, next_seq, complete, standing FROM arrivals WHERE maildrop = ?", (maildrop,)
    ).fetchall()
    if not rows:
        return None, len(views) > 1 or any(view.seen_at is not None for view in views)
    ((origin, next_seq, complete, left),) = rows
    marks = sql.execute("SELECT marks FROM brought WHERE maildrop = ?", (maildrop,)).fetchall()
    brought = frozenset(mark for (text,) in marks for mark in marks_in(text))
    arrival = Arrival(origin, next_seq, bool(complete), brought)
    return arrival, standing(sql, maildrop) != left


def _origin(sql: sqlite3.Connection, maildrop: int) -> str | None:
    """Numbers are never given twice; an index that is only looked at may have no identity yet."""
    identities = sql.execute("SELECT id FROM identity").fetchall()
    return f"embedded {identities[0][0]} {maildrop}" if identities else None
