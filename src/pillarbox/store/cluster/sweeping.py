"""Who applies retention, and of which views it warns: what the sweep asks beside ``retention``.

One process of the cluster has the turn. It keeps it by asking again, also while it sweeps; when it has
not asked for long enough, by the database's clock, whoever asks next has it. Should two have it
for once, they do twice what is done.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from pillarbox.contracts.store import Retention, SoonAbsent
from pillarbox.store.cluster.retention import PAGE_MAILDROPS
from pillarbox.store.cluster.tables import Tables
from pillarbox.store.cluster.views import Holding, overdue

_TAKE = """
    INSERT INTO sweeps AS s (one, taken_by, until) VALUES (TRUE, $1, clock_timestamp() + $2::INTERVAL)
    ON CONFLICT (one) DO UPDATE SET taken_by = excluded.taken_by, until = excluded.until
        WHERE s.taken_by = excluded.taken_by OR s.until <= clock_timestamp()
            OR s.until > clock_timestamp() + $2::INTERVAL
    RETURNING one
"""
"""(What ends later than it could has been taken while the clock was wrong.)"""
_PAGE = f"""
    WITH page AS MATERIALIZED (
        SELECT name FROM maildrops WHERE name > $4 ORDER BY name LIMIT {PAGE_MAILDROPS}
    )
    SELECT last.name AS last, last.maildrops, soon.*
    FROM (SELECT max(name) AS name, count(*) AS maildrops FROM page) AS last LEFT JOIN (
        SELECT page.name AS user, v.name AS view, v.seen_at,
            coalesce(v.seen_at, v.created_at) AS since
        FROM page JOIN views AS v ON v.maildrop = page.name
        WHERE {overdue("$1", "$2")} AND coalesce(v.seen_at, v.created_at) > $3 AND EXISTS (
            SELECT 1 FROM views AS o WHERE o.maildrop = v.maildrop AND o.name <> v.name)
    ) AS soon ON TRUE ORDER BY soon.user, soon.view
"""  # noqa: S608 -- our own text


async def take_sweep(tables: Tables, process: UUID, seconds: float) -> bool:
    """See :meth:`StoreAdmin.take_sweep`; *process*: whoever asks, by the same name each time."""
    return bool(await tables.change(_TAKE, process, timedelta(seconds=seconds)))


async def soon_absent(
    tables: Tables, retention: Retention, notice_seconds: float, holding: Holding
) -> list[SoonAbsent]:
    """See :meth:`StoreAdmin.soon_absent`."""
    if not retention.absent_seconds:
        return []
    ((now,),) = await tables.ask("SELECT clock_timestamp()")
    gone_before = now - timedelta(seconds=retention.absent_seconds)
    soon_before = gone_before + timedelta(seconds=notice_seconds)
    found: list[SoonAbsent] = []
    last = ""
    while True:
        rows = await tables.ask(_PAGE, holding.default_holds, soon_before, gone_before, last)
        for row in rows:
            if row["view"] is not None:
                seen_at, left = row["seen_at"], row["since"] - gone_before
                found.append(
                    SoonAbsent(
                        row["user"],
                        row["view"],
                        None if seen_at is None else seen_at.timestamp(),
                        left.total_seconds(),
                    )
                )
        if rows[0]["maildrops"] < PAGE_MAILDROPS:
            return found
        last = rows[0]["last"]
