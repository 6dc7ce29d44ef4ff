"""Retention: old mail goes, and what waited only for devices that do not come any more.

All maildrops are looked through, a page of names at a time, without any lock. What seems due in one then
goes in steps, each a transaction that looks again. A step writes the rows of all views of the
maildrop, and does nothing if a living process holds one of them: so it meets whoever opens one meanwhile, and
no session loses a message that it has counted. Between two steps, sessions and deliveries get their turn.

A maildrop's first message is taken to be its oldest: so a page costs a look or two at each of its
maildrops, however much mail they have. (After an import of older mail behind newer, that goes when the
newer does.)

A view that has been away for too long is marked as absent in the last step, when all that it alone held
back has gone: whatever breaks off the steps before, the next run finds them still due. Several
nodes may do this at once: they do not find each other's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.contracts.store import Expired, Retention
from pillarbox.database import Transaction
from pillarbox.store.cluster.removing import remove_due
from pillarbox.store.cluster.tables import Tables
from pillarbox.store.cluster.views import EVER, Holding, held, overdue

STEP_MESSAGES = 500
"""Messages removed in one step."""
PAGE_MAILDROPS = 500
"""Maildrops looked through by one statement."""
AHEAD_SECONDS = 3600.0
"""So far the database's clock may be ahead of this machine's. What expires is counted in days."""

_NOW = "SELECT clock_timestamp()"
_PAGE = f"""
    SELECT d.name, d.due FROM (
        SELECT d.name, (SELECT m.received_at FROM messages AS m WHERE m.maildrop = d.name
                ORDER BY m.seq LIMIT 1) < $3
            OR EXISTS (SELECT 1 FROM views AS v WHERE v.maildrop = d.name AND {overdue("$1", "$2")})
            OR EXISTS (SELECT 1 FROM messages AS m WHERE m.maildrop = d.name AND m.deleted
                AND NOT {held("d.name", "$1", "$2")}) AS due
        FROM maildrops AS d WHERE d.name > $4 ORDER BY d.name LIMIT {PAGE_MAILDROPS}
    ) AS d
"""  # noqa: S608 -- our own text
_MEET = """
    WITH met AS (UPDATE maildrops SET changes = changes + 1 WHERE name = $1 RETURNING name)
    UPDATE views AS v SET changes = v.changes + 1 WHERE v.maildrop = $1
    RETURNING EXISTS (SELECT 1 FROM processes AS p WHERE p.id = v.holder AND p.alive_until > now())
"""
_MARK = f"""
    UPDATE views AS v SET absent = TRUE WHERE v.maildrop = $3 AND {overdue("$1", "$2")}
    RETURNING v.name
"""  # noqa: S608 -- our own text


@dataclass(frozen=True, slots=True)
class Limits:
    """What is due, as of the moment when a run began, by the database's clock."""

    received_before: datetime
    holding: Holding

    @classmethod
    def of(cls, now: datetime, retention: Retention, default_holds: bool) -> Limits:  # noqa: FBT001 -- as Holding has it
        def before(seconds: float) -> datetime:
            return now - timedelta(seconds=seconds) if seconds else EVER

        absent_before = before(retention.absent_seconds)
        return cls(before(retention.expire_seconds), Holding(default_holds, absent_before))

    @property
    def values(self) -> tuple[bool, datetime]:
        return self.holding.default_holds, self.holding.absent_before


async def expire(tables: Tables, retention: Retention, holding: Holding) -> Expired:
    """See :meth:`StoreAdmin.expire`."""
    ((now,),) = await tables.ask(_NOW)
    _must_be_plausible(tables, now)
    limits = Limits.of(now, retention, holding.default_holds)
    done: list[Expired] = []
    name = ""
    while True:
        rows = await tables.ask(_PAGE, *limits.values, limits.received_before, name)
        for name, due in rows:
            if due:
                done.append(await _expire_maildrop(tables, name, limits))
        if len(rows) < PAGE_MAILDROPS:
            return _sum(done)


def _must_be_plausible(tables: Tables, now: datetime) -> None:
    """The one question to this machine's own clock: both must be wrong together for mail to go early.

    Raises:
        StoreUnavailable: the database's is far ahead.
    """
    ahead = (now - datetime.now(UTC)).total_seconds()
    if ahead > AHEAD_SECONDS:
        raise StoreUnavailable(
            f"the clock of database {tables.name} is {ahead / 3600:.1f} hours ahead of this "
            "machine's: nothing expires until they agree (set the one that is wrong)",
            temporary=True,
        )


async def _expire_maildrop(tables: Tables, user: str, limits: Limits) -> Expired:
    """Step by step, until it is done or somebody opens the maildrop."""
    done: list[Expired] = []
    while True:
        step, is_last = await tables.transaction(
            lambda transaction: _step(transaction, user, limits)
        )
        done.append(step)
        if is_last:
            return _sum(done)


async def _step(transaction: Transaction, user: str, limits: Limits) -> tuple[Expired, bool]:
    """One step; and whether it was the last."""
    if any(is_open for (is_open,) in await transaction.fetch(_MEET, user)):
        return Expired(busy=1), True
    count, octets = await remove_due(
        transaction, user, limits.holding, limits.received_before, STEP_MESSAGES
    )
    if count == STEP_MESSAGES:
        return Expired(count, octets), False
    absent = await transaction.fetch(_MARK, *limits.values, user)
    return Expired(count, octets, tuple((user, view) for (view,) in absent)), True


def _sum(parts: Sequence[Expired]) -> Expired:
    return Expired(
        sum(part.messages for part in parts),
        sum(part.octets for part in parts),
        tuple(sorted(view for part in parts for view in part.absent)),
        sum(part.busy for part in parts),
    )
