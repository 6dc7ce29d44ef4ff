"""Faults of lists: views that are missing or nobody's, marks of nothing, messages that nobody can
see, and counters that count wrong.

Repair lets a message go only when a view has deleted it and no other lists it, as would have
happened then. One that no list has, but that nobody has deleted either, comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pillarbox.database import Transaction
from pillarbox.model import DEFAULT_VIEW
from pillarbox.store.cluster.check_faults import Fault, Fetch, Mend, Where
from pillarbox.store.cluster.opening import TOKEN
from pillarbox.store.cluster.removing import remove_that
from pillarbox.store.cluster.views import FORGOTTEN, NOBODY_LISTS, listed

_UNSEEN = f"NOT m.deleted AND {NOBODY_LISTS}"

_MAKE = "INSERT INTO maildrops (name) VALUES ($1) ON CONFLICT (name) DO NOTHING"
_ADD_DEFAULT = f"""
    INSERT INTO views (maildrop, name, token, seen_at)
    VALUES ($1, '{DEFAULT_VIEW}', {TOKEN}, clock_timestamp()) ON CONFLICT (maildrop, name) DO NOTHING
"""  # noqa: S608 -- our own text
_REMOVE_VIEWS = "DELETE FROM views WHERE maildrop = $1"
_REMOVE_MARKS = """
    DELETE FROM hidden AS h WHERE h.maildrop = $1 AND (
        NOT EXISTS (SELECT 1 FROM messages AS m WHERE m.maildrop = $1 AND m.seq = h.seq)
        OR NOT EXISTS (SELECT 1 FROM views AS v WHERE v.maildrop = $1 AND v.name = h.view))
"""
_SAY_EACH = f"""
    INSERT INTO hidden (maildrop, view, seq)
    SELECT m.maildrop, f.name, m.seq FROM messages AS m
    JOIN views AS f ON f.maildrop = m.maildrop AND f.name = '{DEFAULT_VIEW}'
    WHERE m.maildrop = $1 AND m.seq < f.since AND NOT ({_UNSEEN})
    ON CONFLICT (maildrop, view, seq) DO NOTHING
"""  # noqa: S608 -- our own text
_UNHIDE = f"""
    DELETE FROM hidden AS x USING messages AS m
    WHERE x.maildrop = $1 AND x.view = '{DEFAULT_VIEW}' AND m.maildrop = $1 AND m.seq = x.seq
        AND {_UNSEEN}
"""  # noqa: S608 -- our own text
_LIST_ALL = f"""
    UPDATE views SET since = 0, changes = changes + 1
    WHERE maildrop = $1 AND name = '{DEFAULT_VIEW}'
"""  # noqa: S608 -- our own text
_COUNT_MAILDROP = """
    UPDATE maildrops SET messages = $2, octets = $3, next_seq = greatest(next_seq, $4) + 1,
        changes = changes + 1
    WHERE name = $1
"""
"""With another next number, no listing that is remembered is taken for this one."""
_COUNT_VIEW = """
    UPDATE views SET unlisted_messages = $3, unlisted_octets = $4, changes = changes + 1
    WHERE maildrop = $1 AND name = $2
"""


async def lost_maildrops(fetch: Fetch, where: Where) -> list[Fault]:
    """Messages whose maildrop is not there."""
    query = f"""
        SELECT m.maildrop, count(*) FROM messages AS m LEFT JOIN maildrops AS d ON d.name = m.maildrop
        WHERE d.name IS NULL AND {where.has("m.maildrop")} GROUP BY m.maildrop
    """  # noqa: S608 -- our own text
    return [
        Fault(user, f"{count} messages belong to no maildrop", _run(user, _MAKE))
        for user, count in await fetch(query, *where.values)
    ]


async def views_of_nobody(fetch: Fetch, where: Where) -> list[Fault]:
    """Views whose maildrop is not there."""
    query = f"""
        SELECT v.maildrop, string_agg(v.name, ', ') FROM views AS v
        LEFT JOIN maildrops AS d ON d.name = v.maildrop
        WHERE d.name IS NULL AND {where.has("v.maildrop")} GROUP BY v.maildrop
    """  # noqa: S608 -- our own text
    return [
        Fault(user, f"views {names} belong to no maildrop", _run(user, _REMOVE_VIEWS))
        for user, names in await fetch(query, *where.values)
    ]


async def missing_views(fetch: Fetch, where: Where) -> list[Fault]:
    """Maildrops without a view ``default``. It comes back holding mail, as nobody knows whether the one
    that is lost did; its counters are another kind's.
    """
    query = f"""
        SELECT d.name FROM maildrops AS d
        LEFT JOIN views AS v ON v.maildrop = d.name AND v.name = '{DEFAULT_VIEW}'
        WHERE v.name IS NULL AND {where.has("d.name")}
    """  # noqa: S608 -- our own text
    text = f"the maildrop has no view {DEFAULT_VIEW}"
    return [
        Fault(user, text, _run(user, _ADD_DEFAULT)) for (user,) in await fetch(query, *where.values)
    ]


async def marks_of_nothing(fetch: Fetch, where: Where) -> list[Fault]:
    """Marks that a view has deleted a message, where there is no such view or message."""
    query = f"""
        SELECT h.maildrop, h.view, count(*) FROM hidden AS h
        LEFT JOIN views AS v ON v.maildrop = h.maildrop AND v.name = h.view
        LEFT JOIN messages AS m ON m.maildrop = h.maildrop AND m.seq = h.seq
        WHERE (v.name IS NULL OR m.seq IS NULL) AND {where.has("h.maildrop")}
        GROUP BY h.maildrop, h.view
    """  # noqa: S608 -- our own text
    return [
        Fault(
            user,
            f"view {view} has {count} marks of deleted messages, where there is no such message or view",
            _run(user, _REMOVE_MARKS),
        )
        for user, view, count in await fetch(query, *where.values)
    ]


async def unseen_messages(fetch: Fetch, where: Where) -> list[Fault]:
    """Messages that nobody has deleted, and nobody lists. They come back in ``default``."""
    return [
        Fault(
            user,
            f"{count} messages are on no list, though no view has deleted them",
            _run(user, _SAY_EACH, _UNHIDE, _LIST_ALL),
        )
        for user, count in await _on_no_list(fetch, where, _UNSEEN)
    ]


async def forgotten_messages(fetch: Fetch, where: Where) -> list[Fault]:
    """Messages that a view has deleted and nobody lists: they should have been removed."""
    return [
        Fault(
            user,
            f"{count} messages should have been removed: they are deleted, and on no list",
            partial(_remove_forgotten, user),
        )
        for user, count in await _on_no_list(fetch, where, FORGOTTEN)
    ]


async def wrong_counters(fetch: Fetch, where: Where) -> list[Fault]:
    """Of the maildrop, and of each of its views; and a next number that is not the next."""
    query = f"""
        SELECT d.name, v.name, d.next_seq, greatest(coalesce(max(m.seq), 0), v.since - 1) AS last,
            d.messages, d.octets, v.unlisted_messages, v.unlisted_octets,
            count(m.seq), coalesce(sum(m.octets), 0)::BIGINT,
            count(m.seq) FILTER (WHERE NOT ({listed()})),
            coalesce(sum(m.octets) FILTER (WHERE NOT ({listed()})), 0)::BIGINT
        FROM maildrops AS d JOIN views AS v ON v.maildrop = d.name
        LEFT JOIN messages AS m ON m.maildrop = d.name
        WHERE {where.has("d.name")} GROUP BY d.name, v.maildrop, v.name ORDER BY d.name, v.name
    """  # noqa: S608 -- our own text
    faults = []
    for user, view, next_seq, last, *counts in await fetch(query, *where.values):
        told, true = counts[:4], counts[4:]
        if told != true or next_seq <= last:
            text = (
                f"the counters say {told[0]} messages of {told[1]} octets (view {view} does not list "
                f"{told[2]} of {told[3]}) and next number {next_seq}; there are {true[0]} of "
                f"{true[1]} (it does not list {true[2]} of {true[3]}), the last numbered {last}"
            )
            faults.append(Fault(user, text, partial(_count, user, view, true, last)))
    return faults


async def _on_no_list(fetch: Fetch, where: Where, condition: str) -> Sequence[tuple[str, int]]:
    """Maildrops with such messages (those without ``default`` are another kind's)."""
    query = f"""
        SELECT m.maildrop, count(*) FROM messages AS m
        JOIN views AS f ON f.maildrop = m.maildrop AND f.name = '{DEFAULT_VIEW}'
        WHERE {condition} AND {where.has("m.maildrop")} GROUP BY m.maildrop
    """  # noqa: S608 -- our own text
    return await fetch(query, *where.values)


def _run(user: str, *statements: str) -> Mend:
    async def mend(transaction: Transaction) -> None:
        for statement in statements:
            await transaction.fetch(statement, user)

    return mend


async def _remove_forgotten(user: str, transaction: Transaction) -> None:
    await remove_that(transaction, user, FORGOTTEN)


async def _count(
    user: str, view: str, true: Sequence[int], last: int, transaction: Transaction
) -> None:
    await transaction.fetch(_COUNT_MAILDROP, user, true[0], true[1], last + 1)
    await transaction.fetch(_COUNT_VIEW, user, view, true[2], true[3])
