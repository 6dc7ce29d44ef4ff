"""Which message waits for whom: all of a maildrop at one moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from pillarbox.contracts.store import Waiting
from pillarbox.store.embedded.errors import unavailable
from pillarbox.store.embedded.schema import connect
from pillarbox.store.embedded.shards import Shard
from pillarbox.store.embedded.views import HOLDS, LISTED, Holding

_NAMES = f"""
    SELECT v.id, v.name, {HOLDS} FROM views AS v JOIN maildrops AS d ON d.id = v.maildrop
    WHERE d.name = :user ORDER BY v.name
"""  # noqa: S608 - our own text
_LISTERS = f"""
    SELECT m.unique_id, m.octets, m.received_at, (SELECT group_concat(v.id) FROM views AS v
        WHERE v.maildrop = m.maildrop AND {LISTED})
    FROM messages AS m JOIN maildrops AS d ON d.id = m.maildrop
    WHERE d.name = :user ORDER BY m.seq
"""  # noqa: S608 - our own text

Names = tuple[tuple[str, ...], tuple[str, ...]]


def waiting(shard: Shard, user: str, holding: Holding) -> list[Waiting]:
    """See :meth:`StoreAdmin.waiting`. Blocks: reads the whole list, by a connection of its own.

    Raises:
        StoreUnavailable: the index cannot be read.
    """
    if not shard.exists:
        return []
    values = holding.parameters(user=user)
    try:
        with closing(connect(shard.index, read_only=True)) as sql:
            sql.execute("BEGIN")
            views = sql.execute(_NAMES, values).fetchall()
            rows = sql.execute(_LISTERS, {"user": user}).fetchall()
    except (sqlite3.Error, OSError) as error:
        raise unavailable(error, shard.index) from error
    known: dict[str | None, Names] = {}  # most messages wait for the same views
    for listers in {row[3] for row in rows}:
        known[listers] = _names(listers, views)
    return [
        Waiting(unique_id, octets, received_at, *known[listers])
        for unique_id, octets, received_at, listers in rows
    ]


def _names(listers: str | None, views: list[Any]) -> Names:
    ids = set(map(int, listers.split(","))) if listers else set()
    listing = [(name, holds) for view, name, holds in views if view in ids]
    return tuple(name for name, _ in listing), tuple(name for name, holds in listing if holds)
