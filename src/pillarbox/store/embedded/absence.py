"""Views that will hold nothing back before long: of whom retention warns."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing

from pillarbox.contracts.store import Retention, SoonAbsent
from pillarbox.store.embedded.errors import unavailable
from pillarbox.store.embedded.schema import connect
from pillarbox.store.embedded.shards import Shard
from pillarbox.store.embedded.views import OVERDUE, Holding

_SOON = f"""
    SELECT d.name, v.name, v.seen_at, coalesce(v.seen_at, v.created_at) - :gone_before
    FROM views AS v JOIN maildrops AS d ON d.id = v.maildrop
    WHERE {OVERDUE} AND coalesce(v.seen_at, v.created_at) > :gone_before
        AND EXISTS (SELECT 1 FROM views AS o WHERE o.maildrop = v.maildrop AND o.id <> v.id)
"""  # noqa: S608 - our own text


def soon_absent(
    shards: Sequence[Shard], retention: Retention, notice_seconds: float, holding: Holding
) -> list[SoonAbsent]:
    """See :meth:`StoreAdmin.soon_absent`. Blocks; takes no lock."""
    if not retention.absent_seconds:
        return []
    gone_before = time.time() - retention.absent_seconds
    soon = Holding(holding.default_holds, gone_before + notice_seconds)
    values = soon.parameters(gone_before=gone_before)
    found = (view for shard in shards if shard.exists for view in _in(shard, values))
    return sorted(found, key=lambda view: (view.user, view.view))


def _in(shard: Shard, values: dict[str, object]) -> Iterator[SoonAbsent]:
    try:
        with closing(connect(shard.index, read_only=True)) as sql:
            for row in sql.execute(_SOON, values):
                yield SoonAbsent(*row)
    except (sqlite3.Error, OSError) as error:
        raise unavailable(error, shard.index) from error
