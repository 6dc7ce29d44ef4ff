"""Taking messages away from a view, and those away for good that nobody holds any more.

A commit of a view that has its maildrop for itself, as nearly all have, is one statement: what it deletes
is removed. Where there are others it is a transaction of a few: what nobody else holds is removed, and the
rest hidden. In either case it writes the row of the view, by which it meets whoever takes the
lease over, and that of the maildrop, by which it meets everybody else who takes away or adds views.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pillarbox.contracts.errors import LockLost, StoreUnavailable
from pillarbox.database import Transaction
from pillarbox.store.cluster.opening import Lease
from pillarbox.store.cluster.tables import Rows, Tables
from pillarbox.store.cluster.views import Holding, held, listed


class These(NamedTuple):
    """Messages of one maildrop, by their sequence numbers; at least one."""

    first: int
    last: int
    each: list[int] | None
    """None: all that there are from *first* to *last*."""

    @classmethod
    def of(cls, seqs: Collection[int]) -> These:
        different = set(seqs)
        first, last = min(different), max(different)
        if last - first + 1 == len(different):
            return cls(first, last, None)
        return cls(first, last, sorted(different))

    @property
    def values(self) -> tuple[object, ...]:
        """The parameters of :meth:`condition`."""
        return (self.first, self.last) if self.each is None else (self.each,)

    def condition(self, at: int) -> str:
        """Whether ``m`` is one of them; the statement's parameters from *at* on are :attr:`values`."""
        if self.each is None:
            return f"m.seq BETWEEN ${at}::BIGINT AND ${at + 1}::BIGINT"
        return f"m.seq = ANY(${at}::BIGINT[])"


def _remove(condition: str, *, gate: str = "") -> str:
    """The parts of a statement that remove messages of maildrop ``$1``: those of *condition*. Its
    ``gone`` has a row for each. *gate* is a table without rows if nothing is to be done.
    """
    using = f" USING {gate}" if gate else ""
    only_if = f" AND EXISTS (SELECT 1 FROM {gate})" if gate else ""  # noqa: S608 -- our own text
    return f"""
    gone AS (
        DELETE FROM messages AS m{using} WHERE m.maildrop = $1 AND {condition}
        RETURNING m.seq, m.octets, m.object
    ), bodies_gone AS (
        DELETE FROM bodies AS b USING gone AS g WHERE b.maildrop = $1 AND b.seq = g.seq
    ), hidden_gone AS (
        DELETE FROM hidden AS h USING gone AS g WHERE h.maildrop = $1 AND h.seq = g.seq
    ), unreferred AS (
        UPDATE objects AS o SET refs = o.refs - g.n, touched_at = clock_timestamp()
        FROM (SELECT object, count(*) AS n FROM gone WHERE object IS NOT NULL GROUP BY object) AS g
        WHERE o.id = g.object
    ), counted AS (
        UPDATE maildrops AS d SET messages = d.messages - g.n, octets = d.octets - g.octets,
            changes = d.changes + 1
        FROM (SELECT count(*) AS n, coalesce(sum(octets), 0)::BIGINT AS octets FROM gone) AS g
        WHERE d.name = $1{only_if}
    ), noted AS (
        UPDATE views AS v SET changes = v.changes + 1,
            unlisted_messages = v.unlisted_messages - o.n,
            unlisted_octets = v.unlisted_octets - o.octets
        FROM (SELECT v.name, count(g.seq) AS n, coalesce(sum(g.octets), 0)::BIGINT AS octets
            FROM views AS v LEFT JOIN gone AS g ON NOT ({listed("v", "g")})
            WHERE v.maildrop = $1 GROUP BY v.name) AS o
        WHERE v.maildrop = $1 AND v.name = o.name{only_if}
    )"""  # noqa: S608 -- our own text


_SUM = "SELECT count(*), coalesce(sum(octets), 0)::BIGINT FROM gone"

_OURS = """v.maildrop = $1 AND v.name = $2 AND v.token = $3 AND v.holder = $4
    AND clock_timestamp() < $5
    AND EXISTS (SELECT 1 FROM processes AS p WHERE p.id = $4 AND p.alive_until > clock_timestamp())"""
"""Whether the lease of a session is its own; and it is not too late to say so."""

_HIDE = """
    WITH mine AS (
        SELECT m.seq, m.octets FROM messages AS m JOIN views AS v ON v.maildrop = $1 AND v.name = $2
        WHERE m.maildrop = $1 AND {which} AND {listed}
    ), first AS (
        SELECT coalesce((SELECT m.seq FROM messages AS m
                JOIN views AS v ON v.maildrop = $1 AND v.name = $2
                WHERE m.maildrop = $1 AND {listed} AND NOT ({which}) ORDER BY m.seq LIMIT 1),
            (SELECT next_seq FROM maildrops WHERE name = $1)) AS seq
    ), hiding AS (
        INSERT INTO hidden (maildrop, view, seq)
        SELECT $1, $2, mine.seq FROM mine, first WHERE mine.seq > first.seq
    ), marked AS (
        UPDATE messages AS m SET deleted = TRUE FROM mine
        WHERE m.maildrop = $1 AND m.seq = mine.seq AND NOT m.deleted
    )
    UPDATE views AS v SET since = first.seq,
        unlisted_messages = v.unlisted_messages + o.n, unlisted_octets = v.unlisted_octets + o.octets
    FROM first, (SELECT count(*) AS n, coalesce(sum(octets), 0)::BIGINT AS octets FROM mine) AS o
    WHERE v.maildrop = $1 AND v.name = $2
"""
_FORGET = """
    DELETE FROM hidden AS h USING views AS v WHERE v.maildrop = $1 AND v.name = $2
        AND h.maildrop = $1 AND h.view = $2 AND h.seq < v.since
"""
"""What lies below ``since`` need not be said one by one."""
_RENAMED = """
    UPDATE views SET token = token + CASE WHEN opening = $3 THEN 1 ELSE 0 END
    WHERE maildrop = $1 AND name = $2 RETURNING CASE WHEN opening = $3 THEN token END
"""
"""The row is written in any case, so that the answer comes when a standby has all that was seen."""


class TooLate(StoreUnavailable):
    """The database was asked too late, by its own clock, and has done nothing."""

    def __init__(self, name: str, now: datetime) -> None:
        super().__init__(f"database {name} was asked too late to delete anything", temporary=True)
        self.now = now


@dataclass(frozen=True, slots=True)
class Removal:
    """Messages that a session has deleted."""

    tables: Tables
    lease: Lease
    these: These
    holding: Holding

    async def alone(self, deadline: datetime) -> bool:
        """Remove them, if the view is the only one; False: there are others.

        Raises:
            LockLost: the lease is no longer ours.
            TooLate, StoreUnavailable: nothing is deleted.
            Unsettled: perhaps it is, or will be.
        """
        statement = f"""
            WITH lease AS (SELECT v.name FROM views AS v WHERE {_OURS}),
            alone AS (SELECT 1 AS n FROM lease WHERE NOT EXISTS
                (SELECT 1 FROM views AS o WHERE o.maildrop = $1 AND o.name <> $2)),
            {_remove(self.these.condition(at=6), gate="alone")}
            SELECT (SELECT count(*) FROM lease), (SELECT count(*) FROM alone),
                clock_timestamp() < $5, clock_timestamp()
        """  # noqa: S608 -- our own text
        ((ours, alone, in_time, now),) = await self.tables.change(
            statement, *self._session, deadline, *self.these.values
        )
        self._must_be(ours, None if in_time else now)
        return bool(alone)

    async def among_others(self, deadline: datetime) -> None:
        """Take them off the view's list, and away those that nobody else holds.

        Raises:
            LockLost, TooLate, StoreUnavailable, Unsettled: as for :meth:`alone`.
        """
        await self.tables.transaction(lambda transaction: self._share(transaction, deadline))

    async def _share(self, transaction: Transaction, deadline: datetime) -> None:
        lease, these = self.lease, self.these
        user, view = lease.identity
        touch = f"""
            WITH ours AS (UPDATE views AS v SET changes = v.changes + 1 WHERE {_OURS} RETURNING 1),
            met AS (UPDATE maildrops SET changes = changes + 1 WHERE name = $1)
            SELECT (SELECT count(*) FROM ours), clock_timestamp() < $5, clock_timestamp()
        """  # noqa: S608 -- our own text
        ((ours, in_time, now),) = await transaction.fetch(touch, *self._session, deadline)
        self._must_be(ours, None if in_time else now)
        mine = (
            "EXISTS (SELECT 1 FROM views AS v WHERE v.maildrop = $1 AND v.name = $2"  # noqa: S608 -- our own text
            f" AND {listed()}) AND NOT {held('$1', '$3', '$4', but='$2')}"
        )
        holding = self.holding
        await transaction.fetch(
            f"WITH {_remove(f'{these.condition(at=5)} AND {mine}')} {_SUM}",
            *(user, view, holding.default_holds, holding.absent_before, *these.values),
        )
        hide = _HIDE.format(which=these.condition(at=3), listed=listed())
        await transaction.fetch(hide, user, view, *these.values)
        await transaction.fetch(_FORGET, user, view)

    @property
    def _session(self) -> tuple[object, ...]:
        lease = self.lease
        return (*lease.identity, lease.token, lease.process)

    def _must_be(self, ours: int, late: datetime | None) -> None:
        if ours:
            return
        if late is not None:
            raise TooLate(self.tables.name, late)
        raise lock_lost(self.lease)

    async def became(self) -> bool:
        """What became of a commit whose answer was lost; True: it has happened.

        If it has not, it will not, either: the lease is ours under another token.

        Raises:
            LockLost: it has not, and the lease is no longer ours.
            StoreUnavailable: the database cannot be asked.
        """
        user, view = self.lease.identity
        left = f"""
            SELECT count(m.seq) FROM views AS v LEFT JOIN messages AS m
                ON m.maildrop = $1 AND {self.these.condition(at=3)} AND {listed()}
            WHERE v.maildrop = $1 AND v.name = $2 GROUP BY v.name
        """  # noqa: S608 -- our own text

        async def work(transaction: Transaction) -> tuple[list[int], Rows]:
            renamed = await transaction.fetch(_RENAMED, user, view, self.lease.opening)
            tokens = [token for (token,) in renamed if token is not None]
            return tokens, await transaction.fetch(left, user, view, *self.these.values)

        tokens, still = await self.tables.transaction(work)
        for token in tokens:
            self.lease.token = token
        if not still or (still[0][0] and not tokens):
            raise lock_lost(self.lease)
        return not still[0][0]


def lock_lost(lease: Lease) -> LockLost:
    return LockLost(
        f"the lock of this session of {lease.identity.user} has been taken away, or has lapsed as "
        "the database had not heard of this process for too long; nothing was deleted"
    )


async def remove_unwanted(transaction: Transaction, user: str, holding: Holding) -> None:
    """Remove what a view, be it one that is gone, has deleted and no view holds."""
    condition = f"m.deleted AND NOT {held('$1', '$2', '$3')}"
    await transaction.fetch(
        f"WITH {_remove(condition)} {_SUM}", user, holding.default_holds, holding.absent_before
    )


async def remove_that(transaction: Transaction, user: str, condition: str, *values: object) -> None:
    """Remove those of *condition* (about ``m``), whose parameters are from ``$2`` on."""
    await transaction.fetch(f"WITH {_remove(condition)} {_SUM}", user, *values)


async def remove_these(transaction: Transaction, user: str, seqs: Collection[int]) -> None:
    """Remove these, whoever lists or holds them."""
    if seqs:
        these = These.of(seqs)
        await transaction.fetch(
            f"WITH {_remove(these.condition(at=2))} {_SUM}", user, *these.values
        )


async def remove_due(
    transaction: Transaction, user: str, holding: Holding, before: datetime, limit: int
) -> tuple[int, int]:
    """Remove what came before, or is deleted and held by no view: the first *limit* of it.

    Returns how many, and their octets.
    """
    due = f"(m.received_at < $4 OR m.deleted AND NOT {held('$1', '$2', '$3')})"
    condition = (
        f"m.seq IN (SELECT m.seq FROM messages AS m WHERE m.maildrop = $1 AND {due}"  # noqa: S608 -- our own text
        " ORDER BY m.seq LIMIT $5)"
    )
    ((count, octets),) = await transaction.fetch(
        f"WITH {_remove(condition)} {_SUM}",
        *(user, holding.default_holds, holding.absent_before, before, limit),
    )
    return count, octets


REMOVE_MAILDROP = """
    WITH gone AS (
        DELETE FROM messages WHERE maildrop = $1 RETURNING object
    ), bodies_gone AS (
        DELETE FROM bodies WHERE maildrop = $1
    ), hidden_gone AS (
        DELETE FROM hidden WHERE maildrop = $1
    ), unreferred AS (
        UPDATE objects AS o SET refs = o.refs - g.n, touched_at = clock_timestamp()
        FROM (SELECT object, count(*) AS n FROM gone WHERE object IS NOT NULL GROUP BY object) AS g
        WHERE o.id = g.object
    ), views_gone AS (
        DELETE FROM views WHERE maildrop = $1
    ), arrivals_gone AS (
        DELETE FROM arrivals WHERE maildrop = $1 RETURNING hold
    ), brought_gone AS (
        DELETE FROM brought WHERE maildrop = $1
    ), held AS (
        DELETE FROM processes AS p USING arrivals_gone AS a WHERE p.id = a.hold
    )
    DELETE FROM maildrops WHERE name = $1
"""
