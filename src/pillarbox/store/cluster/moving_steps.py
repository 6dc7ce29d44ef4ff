"""The transactions by which a maildrop comes from another store.

Each begins by writing the rows of all views and that of the maildrop: there it meets whoever unlocks, adds or
removes a view, whoever delivers, and whoever else goes on with the same move.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.contracts.transfer import MovedMessage, MovedView
from pillarbox.database import Transaction
from pillarbox.store.cluster.moving_leases import MEET, Mine, must_be_ours, reopen
from pillarbox.store.cluster.moving_reading import standing_of
from pillarbox.store.cluster.opening import TOKEN
from pillarbox.store.cluster.removing import remove_that, remove_these
from pillarbox.store.cluster.views import FORGOTTEN
from pillarbox.store.moving import Coming, Completion, marks_of, reordered

_GROW = """
    UPDATE maildrops SET next_seq = next_seq + $2::BIGINT, messages = messages + $2::BIGINT,
        octets = octets + $3::BIGINT, changes = changes + 1
    WHERE name = $1 RETURNING next_seq - $2::BIGINT
"""
_MESSAGES = """
    INSERT INTO messages (maildrop, seq, unique_id, octets, stored, international, checksum,
        received_at, object)
    SELECT $1, * FROM unnest($2::BIGINT[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[], $6::BOOLEAN[],
        $7::BIGINT[], $8::TIMESTAMPTZ[], $9::UUID[])
"""
_BODIES = """
    INSERT INTO bodies (maildrop, seq, data) SELECT $1, * FROM unnest($2::BIGINT[], $3::BYTEA[])
"""
_REFER = """
    UPDATE objects SET refs = refs + 1, touched_at = clock_timestamp()
    WHERE id = ANY($1::UUID[]) AND doomed_at IS NULL RETURNING id
"""
_MARK = "INSERT INTO brought (maildrop, seq, marks) VALUES ($1, $2, $3)"
_PLACES = "SELECT unique_id, seq, octets FROM messages WHERE maildrop = $1 ORDER BY seq"
_MOVE = """
    UPDATE {table} AS m SET seq = n.new FROM unnest($2::BIGINT[], $3::BIGINT[]) AS n (old, new)
    WHERE m.maildrop = $1 AND m.seq = n.old
"""
_NEXT = "UPDATE maildrops SET next_seq = $2 WHERE name = $1"
_DROP_VIEWS = "DELETE FROM views WHERE maildrop = $1 AND name <> ALL($2::TEXT[])"
_VIEWS = f"""
    INSERT INTO views (maildrop, name, token, created_at, seen_at, opened_at, absent)
    SELECT $1, n.name, {TOKEN}, coalesce(n.created_at, clock_timestamp()), n.seen_at, n.opened_at,
        n.absent
    FROM unnest($2::TEXT[], $3::TIMESTAMPTZ[], $4::TIMESTAMPTZ[], $5::TIMESTAMPTZ[], $6::BOOLEAN[])
        AS n (name, created_at, seen_at, opened_at, absent)
    ON CONFLICT (maildrop, name) DO UPDATE SET created_at = excluded.created_at,
        seen_at = excluded.seen_at, opened_at = excluded.opened_at, absent = excluded.absent
"""  # noqa: S608 -- our own text
_UNHIDE = "DELETE FROM hidden WHERE maildrop = $1"
_HIDE = """
    INSERT INTO hidden (maildrop, view, seq) SELECT $1, * FROM unnest($2::TEXT[], $3::BIGINT[])
"""
_DELETED = """
    UPDATE messages SET deleted = seq = ANY($2::BIGINT[])
    WHERE maildrop = $1 AND deleted <> (seq = ANY($2::BIGINT[]))
"""
_DELETE_NEW = "UPDATE messages SET deleted = TRUE WHERE maildrop = $1 AND seq = ANY($2::BIGINT[])"
_UNLISTED = """
    UPDATE views AS v SET since = n.since, unlisted_messages = n.messages,
        unlisted_octets = n.octets
    FROM unnest($2::TEXT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[])
        AS n (name, since, messages, octets)
    WHERE v.maildrop = $1 AND v.name = n.name
"""
_UNLIST = """
    UPDATE views SET unlisted_messages = unlisted_messages + $3,
        unlisted_octets = unlisted_octets + $4
    WHERE maildrop = $1 AND name = $2
"""
_LEAVE = """
    UPDATE arrivals SET origin = $2, next_seq = $3, standing = $4 WHERE maildrop = $1
"""


async def put(
    transaction: Transaction,
    user: str,
    mine: Mine,
    batch: Sequence[Coming],
    uploaded: dict[int, UUID],
) -> None:
    """Add messages, but for what views have deleted, with their marks; *uploaded*: the objects of some, by their places.

    Raises:
        LockLost: the maildrop is not ours any more.
        StoreUnavailable: an object took too long to upload.
    """
    await must_be_ours(transaction, user, mine)
    octets = sum(coming.message.octets for coming in batch)
    ((first,),) = await transaction.fetch(_GROW, user, len(batch), octets)
    seqs = list(range(first, first + len(batch)))
    messages = [coming.message for coming in batch]
    await transaction.fetch(
        _MESSAGES,
        user,
        seqs,
        [message.unique_id for message in messages],
        [message.octets for message in messages],
        [len(coming.data) for coming in batch],
        [message.international for message in messages],
        [zlib.crc32(coming.data) for coming in batch],
        [moment(message.received_at) for message in messages],
        [uploaded.get(place) for place in range(len(batch))],
    )
    inline = [(seqs[n], one.data) for n, one in enumerate(batch) if n not in uploaded]
    if inline:
        await transaction.fetch(
            _BODIES, user, [seq for seq, _ in inline], [data for _, data in inline]
        )
    if uploaded:
        referred = await transaction.fetch(_REFER, list(uploaded.values()))
        if len(referred) != len(uploaded):
            raise StoreUnavailable("an object took too long to upload: try again", temporary=True)
    await _hide_new(transaction, user, list(zip(messages, seqs, strict=True)))
    await transaction.fetch(_MARK, user, first, marks_of(batch))


async def complete(transaction: Transaction, user: str, mine: Mine, completion: Completion) -> None:
    """Leave the maildrop as it is to be, and open it.

    Raises:
        LockLost: it is not ours any more.
    """
    await must_be_ours(transaction, user, mine)
    await transaction.fetch(MEET, user)
    rows = await transaction.fetch(_PLACES, user)
    if completion.gone:
        gone = set(completion.gone)
        await remove_these(transaction, user, [seq for name, seq, _ in rows if name in gone])
        rows = [row for row in rows if row[0] not in gone]
    if completion.mirrors:
        rows = await _put_in_order(transaction, user, completion.messages, rows)
        await _replace_views(transaction, user, completion.views)
        await _list(transaction, user, completion, rows)
        standing = await standing_of(transaction, user)
        await transaction.fetch(_LEAVE, user, completion.origin, completion.next_seq, standing)
    else:
        await remove_that(transaction, user, FORGOTTEN)
    await reopen(transaction, user, mine)


def moment(seconds: float | None) -> datetime | None:
    """As the database has it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


async def _put_in_order(
    transaction: Transaction, user: str, messages: Sequence[MovedMessage], rows: Sequence[Any]
) -> list[tuple[str, int, int]]:
    """What was brought, as it was there; then what was delivered here. All of them, in order."""
    here = {name: (seq, octets) for name, seq, octets in rows}
    brought = [one.unique_id for one in messages if one.unique_id in here]
    known = set(brought)
    names = brought + [name for name, _, _ in rows if name not in known]
    order = [here[name][0] for name in names]
    ((next_seq,),) = await transaction.fetch(MEET, user)
    changes = reordered(order, next_seq)
    if changes:
        old, new = [one for one, _ in changes], [other for _, other in changes]
        for table in ("messages", "bodies"):
            await transaction.fetch(_MOVE.format(table=table), user, old, new)
        await transaction.fetch(_NEXT, user, new[-1] + 1)
        order[len(order) - len(new) :] = new
    return [(name, seq, here[name][1]) for name, seq in zip(names, order, strict=True)]


async def _replace_views(transaction: Transaction, user: str, views: Sequence[MovedView]) -> None:
    """Have these views and no others."""
    names = [view.name for view in views]
    await transaction.fetch(_DROP_VIEWS, user, names)
    await transaction.fetch(
        _VIEWS,
        user,
        names,
        [moment(view.created_at) for view in views],
        [moment(view.seen_at) for view in views],
        [moment(view.opened_at) for view in views],
        [view.absent for view in views],
    )


async def _list(
    transaction: Transaction,
    user: str,
    completion: Completion,
    rows: Sequence[tuple[str, int, int]],
) -> None:
    """Have each view list what it is to list; *rows*: all messages, in order."""
    moved = {message.unique_id: message for message in completion.messages}
    deleted = [seq for name, seq, _ in rows if name in moved and moved[name].deleted]
    await transaction.fetch(_DELETED, user, deleted)
    await transaction.fetch(_UNHIDE, user)
    ((next_seq,),) = await transaction.fetch(MEET, user)
    since, counts, octets = [], [], []
    hidden: list[tuple[str, int]] = []
    for view in completion.views:
        unlisted = [
            (seq, size)
            for name, seq, size in rows
            if name in moved and view.name in moved[name].unlisted_by
        ]
        off = {seq for seq, _ in unlisted}
        first = next((seq for _, seq, _ in rows if seq not in off), next_seq)
        since.append(first)
        counts.append(len(unlisted))
        octets.append(sum(size for _, size in unlisted))
        hidden += [(view.name, seq) for seq, _ in unlisted if seq > first]
    names = [view.name for view in completion.views]
    await transaction.fetch(_UNLISTED, user, names, since, counts, octets)
    await _hide(transaction, user, hidden)


async def _hide_new(
    transaction: Transaction, user: str, messages: Sequence[tuple[MovedMessage, int]]
) -> None:
    """Hide what was deleted there of mail that has just come, from the views that are here; with sequence
    numbers.
    """
    deleted = [(message, seq) for message, seq in messages if message.deleted]
    if not deleted:
        return
    await transaction.fetch(_DELETE_NEW, user, [seq for _, seq in deleted])
    hidden: list[tuple[str, int]] = []
    for (view,) in await transaction.fetch("SELECT name FROM views WHERE maildrop = $1", user):
        off = [(one.octets, seq) for one, seq in deleted if view in one.unlisted_by]
        hidden += [(view, seq) for _, seq in off]
        if off:
            await transaction.fetch(_UNLIST, user, view, len(off), sum(size for size, _ in off))
    await _hide(transaction, user, hidden)


async def _hide(transaction: Transaction, user: str, hidden: Sequence[tuple[str, int]]) -> None:
    if hidden:
        await transaction.fetch(
            _HIDE, user, [view for view, _ in hidden], [seq for _, seq in hidden]
        )
