"""Which message waits for whom: all of a maildrop at one moment."""

from __future__ import annotations

from pillarbox.contracts.store import Waiting
from pillarbox.store.cluster.tables import Tables
from pillarbox.store.cluster.views import Holding, holds, listed

_WAITING = f"""
    SELECT m.unique_id, m.octets, m.received_at,
        array_agg(v.name) FILTER (WHERE {listed()}) AS listed_by,
        array_agg(v.name) FILTER (WHERE {listed()} AND {holds("$2", "$3")}) AS held_by
    FROM messages AS m JOIN views AS v ON v.maildrop = m.maildrop
    WHERE m.maildrop = $1 GROUP BY m.seq, m.unique_id, m.octets, m.received_at ORDER BY m.seq
"""  # noqa: S608 -- our own text


async def waiting(tables: Tables, user: str, holding: Holding) -> list[Waiting]:
    """See :meth:`StoreAdmin.waiting`."""
    rows = await tables.ask(_WAITING, user, holding.default_holds, holding.absent_before)
    return [
        Waiting(
            row["unique_id"],
            row["octets"],
            row["received_at"].timestamp(),
            tuple(sorted(row["listed_by"] or ())),
            tuple(sorted(row["held_by"] or ())),
        )
        for row in rows
    ]
