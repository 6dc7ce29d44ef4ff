"""The jobs of the writer by which a maildrop comes from another store.

Each looks whether the maildrop is still closed and locked by who moves it: an operator may have
unlocked it.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from pillarbox.contracts.errors import LockLost
from pillarbox.contracts.store import SEEN_PRECISION
from pillarbox.contracts.transfer import MovedMessage, MovedView
from pillarbox.store.embedded.bodies import Staged
from pillarbox.store.embedded.jobs import delete_messages
from pillarbox.store.embedded.shards import ViewLock
from pillarbox.store.embedded.these import these
from pillarbox.store.embedded.transaction import Job, Transaction
from pillarbox.store.embedded.view_jobs import insert_view
from pillarbox.store.embedded.views import LISTED, forgotten, hide
from pillarbox.store.moving import Coming, Completion, marks_of, reordered

_COUNT = f"""
    UPDATE views AS v SET taken = taken + 1, (messages, octets) = (
        SELECT count(*), coalesce(sum(m.octets), 0) FROM messages AS m
        WHERE m.maildrop = v.maildrop AND {LISTED})
    WHERE v.maildrop = ?
"""  # noqa: S608 - our own text


class Locked(NamedTuple):
    """A maildrop whose views are all locked."""

    maildrop: int
    views: Sequence[ViewLock]


def standing(sql: sqlite3.Connection, maildrop: int) -> str:
    """What changes when somebody uses a maildrop: its views, and when they were opened."""
    rows = sql.execute(
        "SELECT id, seen_at, opened_at FROM views WHERE maildrop = ? ORDER BY id", (maildrop,)
    )
    return json.dumps(rows.fetchall())


class Begin(Job[None]):
    """Closes a maildrop."""

    __slots__ = ("_locked", "_mirrors", "_origin", "_user")

    def __init__(self, user: str, locked: Locked, origin: str, *, mirrors: bool) -> None:
        """*mirrors*: see :meth:`.Landing.begin`."""
        self._user = user
        self._locked = locked
        self._origin = origin
        self._mirrors = mirrors

    def run(self, transaction: Transaction) -> None:
        sql, maildrop = transaction.sql, self._locked.maildrop
        _must_be_locked(sql, self._user, self._locked)
        sql.execute(
            "INSERT INTO arrivals (maildrop, origin, next_seq, complete, standing)"
            " VALUES (?, ?, 0, 0, ?) ON CONFLICT (maildrop) DO UPDATE SET complete = 0",
            (maildrop, self._origin, standing(sql, maildrop)),
        )
        if not self._mirrors:  # it never stands so
            sql.execute("UPDATE arrivals SET standing = '' WHERE maildrop = ?", (maildrop,))


class Put(Job[None]):
    """Adds messages, but for what views have deleted, and the marks of their having been brought."""

    __slots__ = ("_batch", "_locked", "_staged", "_user")

    def __init__(
        self, user: str, locked: Locked, batch: Sequence[Coming], staged: dict[int, Staged]
    ) -> None:
        """*staged*: those of the *batch* that are files, by their places."""
        self._user = user
        self._locked = locked
        self._batch = batch
        self._staged = staged

    @property
    def weight(self) -> int:
        inline = (one for n, one in enumerate(self._batch) if n not in self._staged)
        return sum(len(coming.data) for coming in inline)

    def run(self, transaction: Transaction) -> None:
        sql, maildrop = transaction.sql, self._locked.maildrop
        _must_be_mine(sql, self._user, self._locked)
        ((seq,),) = sql.execute("SELECT next_seq FROM maildrops WHERE id = ?", (maildrop,))
        for place, (message, data) in enumerate(self._batch):
            body = self._insert_body(transaction, message, data, self._staged.get(place))
            sql.execute(
                "INSERT INTO messages (maildrop, seq, unique_id, octets, body, received_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    maildrop,
                    seq + place,
                    message.unique_id,
                    message.octets,
                    body,
                    message.received_at,
                ),
            )
        number, octets = len(self._batch), sum(one.message.octets for one in self._batch)
        sql.execute(
            "UPDATE maildrops SET next_seq = next_seq + ?1, messages = messages + ?1,"
            " octets = octets + ?2 WHERE id = ?3",
            (number, octets, maildrop),
        )
        sql.execute(
            "UPDATE views SET messages = messages + ?, octets = octets + ? WHERE maildrop = ?",
            (number, octets, maildrop),
        )
        _hide_new(sql, maildrop, [(one.message, seq + n) for n, one in enumerate(self._batch)])
        sql.execute(
            "INSERT INTO brought (maildrop, marks) VALUES (?, ?)", (maildrop, marks_of(self._batch))
        )

    def settled(self) -> None:
        for staged in self._staged.values():
            staged.done()

    def _insert_body(
        self, transaction: Transaction, message: MovedMessage, data: bytes, staged: Staged | None
    ) -> int:
        body = transaction.sql.execute(
            "INSERT INTO bodies (refs, stored, international, data, checksum)"
            " VALUES (1, ?, ?, ?, ?)",
            (
                len(data),
                message.international,
                None if staged else data,
                staged.checksum if staged else zlib.crc32(data),
            ),
        ).lastrowid
        assert body is not None  # noqa: S101 - an INSERT that succeeded has a row
        if staged:
            transaction.link(staged, body)
        return body


class Complete(Job[None]):
    """Leaves the maildrop as it is to be, and opens it."""

    __slots__ = ("_completion", "_locked", "_user")

    frees_space = True

    def __init__(self, user: str, locked: Locked, completion: Completion) -> None:
        self._user = user
        self._locked = locked
        self._completion = completion

    def run(self, transaction: Transaction) -> None:
        sql, maildrop, completion = transaction.sql, self._locked.maildrop, self._completion
        _must_be_mine(sql, self._user, self._locked)
        places = _places(sql, maildrop)
        if completion.gone:
            delete_messages(transaction, maildrop, [places.pop(one) for one in completion.gone])
        if completion.mirrors:
            _put_in_order(sql, maildrop, completion.messages, places)
            _replace_views(sql, maildrop, completion.views)
            _list(sql, maildrop, completion.messages, _places(sql, maildrop))
            sql.execute(
                "UPDATE arrivals SET origin = ?, next_seq = ?, standing = ? WHERE maildrop = ?",
                (completion.origin, completion.next_seq, standing(sql, maildrop), maildrop),
            )
        elif gone := forgotten(sql, maildrop):
            delete_messages(transaction, maildrop, gone)
        sql.execute("UPDATE arrivals SET complete = 1 WHERE maildrop = ?", (maildrop,))


def _must_be_locked(sql: sqlite3.Connection, user: str, locked: Locked) -> None:
    views = "SELECT id, epoch FROM views WHERE maildrop = ? ORDER BY id"
    if sql.execute(views, (locked.maildrop,)).fetchall() != locked.views:
        raise LockLost(
            f"maildrop of {user}: while it was moved here a view was added, removed or unlocked"
        )


def _must_be_mine(sql: sqlite3.Connection, user: str, locked: Locked) -> None:
    """Refuse what is not locked by us and closed.

    Raises:
        LockLost: it is not.
    """
    _must_be_locked(sql, user, locked)
    closed = "SELECT 1 FROM arrivals WHERE maildrop = ? AND NOT complete"
    if not sql.execute(closed, (locked.maildrop,)).fetchall():
        raise LockLost(f"maildrop of {user} has been unlocked while it was moved here")


def _places(sql: sqlite3.Connection, maildrop: int) -> dict[str, int]:
    """The sequence number of each message, by its unique-id."""
    return dict(
        sql.execute(
            "SELECT unique_id, seq FROM messages WHERE maildrop = ?", (maildrop,)
        ).fetchall()
    )


def _put_in_order(
    sql: sqlite3.Connection,
    maildrop: int,
    messages: Sequence[MovedMessage],
    places: dict[str, int],
) -> None:
    """What was brought, as it was there; then what was delivered here."""
    brought = [places[one.unique_id] for one in messages if one.unique_id in places]
    order = brought + sorted(set(places.values()).difference(brought))
    ((next_seq,),) = sql.execute("SELECT next_seq FROM maildrops WHERE id = ?", (maildrop,))
    changes = reordered(order, next_seq)
    if changes:
        sql.executemany(
            "UPDATE messages SET seq = ? WHERE maildrop = ? AND seq = ?",
            [(new, maildrop, old) for old, new in changes],
        )
        sql.execute(
            "UPDATE maildrops SET next_seq = ? WHERE id = ?", (changes[-1][1] + 1, maildrop)
        )


def _replace_views(sql: sqlite3.Connection, maildrop: int, views: Sequence[MovedView]) -> None:
    """Have these views and no others; nothing is hidden from them yet.

    An opening is noted only some hours after the last one that was: those of the last hours are
    made older, so that the first one here is noted, and this maildrop counts as used.
    """
    sql.execute(
        "DELETE FROM hidden WHERE view IN (SELECT id FROM views WHERE maildrop = ?1) OR view = -?1",
        (maildrop,),
    )
    there = {
        name for (name,) in sql.execute("SELECT name FROM views WHERE maildrop = ?", (maildrop,))
    }
    sql.executemany(
        "DELETE FROM views WHERE maildrop = ? AND name = ?",
        [(maildrop, name) for name in there.difference(view.name for view in views)],
    )
    latest = time.time() - SEEN_PRECISION
    for view in views:
        if view.name not in there:
            insert_view(sql, maildrop, view.name)
        seen_at = None if view.seen_at is None else min(view.seen_at, latest)
        sql.execute(
            "UPDATE views SET created_at = ?, seen_at = ?, opened_at = ?, absent = ?, since = 0"
            " WHERE maildrop = ? AND name = ?",
            (view.created_at, seen_at, view.opened_at, view.absent, maildrop, view.name),
        )


def _list(
    sql: sqlite3.Connection,
    maildrop: int,
    messages: Sequence[MovedMessage],
    places: dict[str, int],
) -> None:
    """Have each view list what it is to list, of *messages*; and all that is not among them.

    What a view does not list, though nobody has deleted it, is older than all that it lists: that is
    said by ``since``, everything else by ``hidden``.
    """
    rows = sql.execute("SELECT name, id FROM views WHERE maildrop = ?", (maildrop,)).fetchall()
    ids: dict[str, int] = dict(rows)
    since = dict.fromkeys(ids, 0)
    hidden: list[tuple[int, int]] = []
    for message in messages:
        seq = places.get(message.unique_id)
        if seq is None or not (message.deleted or message.unlisted_by):
            continue
        if message.deleted:
            hidden += [(ids[name], seq) for name in message.unlisted_by] or [(-maildrop, seq)]
        else:
            since.update((name, seq + 1) for name in message.unlisted_by)
    sql.executemany("INSERT INTO hidden (view, seq) VALUES (?, ?)", sorted(hidden))
    sql.executemany(
        "UPDATE views SET since = ? WHERE id = ?", [(since[name], ids[name]) for name in ids]
    )
    sql.execute(_COUNT, (maildrop,))


def _hide_new(
    sql: sqlite3.Connection, maildrop: int, messages: Sequence[tuple[MovedMessage, int]]
) -> None:
    """Hide what was deleted there of mail that has just come, from the views that are here; with sequence
    numbers.
    """
    deleted = [(one, seq) for one, seq in messages if one.deleted]
    if not deleted:
        return
    rows = sql.execute("SELECT name, id FROM views WHERE maildrop = ?", (maildrop,)).fetchall()
    for name, view in rows:
        seqs = [seq for one, seq in deleted if name in one.unlisted_by]
        if seqs:
            hide(sql, view, these(maildrop, seqs))
    names = {name for name, _ in rows}
    sql.executemany(
        "INSERT INTO hidden (view, seq) VALUES (?, ?)",
        [(-maildrop, seq) for one, seq in deleted if not names & one.unlisted_by],
    )
