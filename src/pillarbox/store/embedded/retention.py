"""Retention: old mail goes, and what waited only for devices that do not come any more.

First each shard is looked through without any lock, by a thread. What was found then goes in
steps: each is one job for some messages of one maildrop, which looks again whether they are due. For
the time of a step all views of the maildrop are locked, so that no session loses a message that
it has counted; between two steps, sessions and deliveries get their turn.

A view that has been away for too long is marked as absent in the last step, when all that it
alone held back has gone: whatever breaks off the steps before, the next run finds them still due.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from array import array
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from pillarbox.contracts.errors import MaildropLocked
from pillarbox.contracts.store import Expired, Retention
from pillarbox.store.embedded.errors import unavailable
from pillarbox.store.embedded.jobs import delete_messages
from pillarbox.store.embedded.schema import connect
from pillarbox.store.embedded.shards import Shard, ViewLock
from pillarbox.store.embedded.transaction import Job, Transaction
from pillarbox.store.embedded.views import DELETED, HELD, OVERDUE, Holding, unwanted

STEP_MESSAGES = 500
"""Messages removed in one step; some ten milliseconds."""
AT_ONCE = 8
"""Maildrops of a shard that are worked on at once: their steps share a transaction (and its
sync), which stays short all the same."""

_OLD = "SELECT maildrop, seq FROM messages WHERE received_at < :received_before"
# From the marks of deletion, of which there are few, to the messages, of which there are many.
_UNWANTED = f"""
    SELECT m.maildrop, m.seq FROM hidden AS h JOIN views AS o ON o.id = h.view
    JOIN messages AS m ON m.maildrop = o.maildrop AND m.seq = h.seq WHERE NOT {HELD}
    UNION SELECT m.maildrop, m.seq FROM hidden AS h
    JOIN messages AS m ON m.maildrop = -h.view AND m.seq = h.seq WHERE h.view < 0 AND NOT {HELD}
"""  # noqa: S608 - our own text
_OVERDUE = f"SELECT v.maildrop FROM views AS v WHERE {OVERDUE}"  # noqa: S608 - our own text
_DUE = f"""
    SELECT m.seq, m.octets FROM messages AS m
    WHERE m.maildrop = :maildrop AND m.seq IN (SELECT value FROM json_each(:seqs))
    AND (m.received_at < :received_before OR {DELETED} AND NOT {HELD})
"""  # noqa: S608 - our own text
_MARK = f"""
    UPDATE views AS v SET absent = 1 WHERE v.maildrop = :maildrop AND {OVERDUE} RETURNING name
"""  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class Limits:
    """What is due, as of the moment when a run began."""

    received_before: float
    """Seconds since 1970, UTC, here and below; 0: nothing."""
    holding: Holding

    @classmethod
    def of(cls, retention: Retention, holding: Holding) -> Limits:
        now = time.time()
        return cls(
            now - retention.expire_seconds if retention.expire_seconds else 0,
            Holding(
                holding.default_holds,
                now - retention.absent_seconds if retention.absent_seconds else 0,
            ),
        )

    def parameters(self, **others: object) -> dict[str, object]:
        return self.holding.parameters(received_before=self.received_before, **others)


@dataclass(slots=True)
class Due:
    """What is due in one maildrop."""

    seqs: array[int] = field(default_factory=lambda: array("q"))
    overdue: bool = False
    """Whether it has views that are to be marked as absent."""


async def expire(shards: Sequence[Shard], retention: Retention, holding: Holding) -> Expired:
    """See :meth:`StoreAdmin.expire`.

    Raises:
        StoreUnavailable: the storage fails.
    """
    limits = Limits.of(retention, holding)
    done = []
    for shard in shards:
        if shard.exists:
            done += await _expire(shard, limits)
    return _sum(done)


async def _expire(shard: Shard, limits: Limits) -> list[Expired]:
    due = iter((await asyncio.to_thread(look, shard, limits)).items())
    done: list[Expired] = []

    async def work() -> None:
        for maildrop, found in due:  # shared by all who work
            done.append(await _expire_maildrop(shard, maildrop, found, limits))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return done


def look(shard: Shard, limits: Limits) -> dict[int, Due]:
    """What seems due, by maildrop. Blocks; takes no lock.

    Raises:
        StoreUnavailable: the index cannot be read.
    """
    due: dict[int, Due] = {}
    values = limits.parameters()
    try:
        with closing(connect(shard.index, read_only=True)) as sql:
            queries = (_OLD, _UNWANTED) if limits.received_before else (_UNWANTED,)
            for query in queries:
                for maildrop, seq in sql.execute(query, values):
                    due.setdefault(maildrop, Due()).seqs.append(seq)
            if limits.holding.absent_before:
                for (maildrop,) in sql.execute(_OVERDUE, values):
                    due.setdefault(maildrop, Due()).overdue = True
    except (sqlite3.Error, OSError) as error:
        raise unavailable(error, shard.index) from error
    return due


async def _expire_maildrop(shard: Shard, maildrop: int, due: Due, limits: Limits) -> Expired:
    """Step by step, until it is done or somebody opens the maildrop."""
    done = []
    steps = [due.seqs[n : n + STEP_MESSAGES] for n in range(0, len(due.seqs), STEP_MESSAGES)]
    if due.overdue:
        steps = steps or [array("q")]
    for number, seqs in enumerate(steps, 1):
        marks = due.overdue and number == len(steps)
        try:
            done.append(await _step(shard, maildrop, seqs, limits, marks=marks))
        except MaildropLocked:
            done.append(Expired(busy=1))
            break
    return _sum(done)


async def _step(
    shard: Shard, maildrop: int, seqs: Sequence[int], limits: Limits, *, marks: bool
) -> Expired:
    """Lock the maildrop for one step.

    Raises:
        MaildropLocked: somebody has a view of it open.
    """
    views = shard.lock_all(maildrop)
    if views is None:
        raise MaildropLocked("the maildrop is in use")
    if not views:  # it has been removed
        return Expired()
    job = Expire(maildrop, views, seqs, limits, marks=marks)
    try:
        outcome = shard.writer.submit(job)
    except BaseException:
        for view in views:
            shard.unlock(view.byte)
        raise
    for view in views:  # also when we are cancelled: not before the job is settled
        shard.unlock_after(view.byte, outcome)
    found = await asyncio.shield(outcome)
    if isinstance(found, Exception):
        raise found
    return found


def _sum(parts: Iterable[Expired]) -> Expired:
    parts = list(parts)
    return Expired(
        sum(part.messages for part in parts),
        sum(part.octets for part in parts),
        tuple(sorted(view for part in parts for view in part.absent)),
        sum(part.busy for part in parts),
    )


class Removed(NamedTuple):
    seq: int
    octets: int


class Expire(Job[Expired]):
    """One step in one maildrop, all of whose views are locked."""

    __slots__ = ("_limits", "_maildrop", "_marks", "_seqs", "_views")

    frees_space = True

    def __init__(
        self,
        maildrop: int,
        views: Sequence[ViewLock],
        seqs: Sequence[int],
        limits: Limits,
        *,
        marks: bool,
    ) -> None:
        self._maildrop = maildrop
        self._views = views
        self._seqs = seqs
        self._limits = limits
        self._marks = marks

    def run(self, transaction: Transaction) -> Expired:
        sql, maildrop = transaction.sql, self._maildrop
        views = "SELECT id, epoch FROM views WHERE maildrop = ? ORDER BY id"
        if sql.execute(views, (maildrop,)).fetchall() != self._views:
            raise MaildropLocked("a view of the maildrop has been added or unlocked")
        absent = self._mark(sql) if self._marks else ()
        due = self._due(sql)
        if due:
            delete_messages(transaction, maildrop, [message.seq for message in due])
        return Expired(len(due), sum(message.octets for message in due), absent)

    def _mark(self, sql: sqlite3.Connection) -> tuple[tuple[str, str], ...]:
        values = self._limits.parameters(maildrop=self._maildrop)
        ((user,),) = sql.execute("SELECT name FROM maildrops WHERE id = ?", (self._maildrop,))
        return tuple((user, view) for (view,) in sql.execute(_MARK, values).fetchall())

    def _due(self, sql: sqlite3.Connection) -> list[Removed]:
        """Of the messages that seemed due those that are; when views are marked, also what was
        deleted by others since they were looked at.
        """
        seqs = set(self._seqs)
        if self._marks:
            seqs.update(unwanted(sql, self._maildrop, self._limits.holding))
        values = self._limits.parameters(maildrop=self._maildrop, seqs=json.dumps(sorted(seqs)))
        return [Removed._make(row) for row in sql.execute(_DUE, values).fetchall()]
