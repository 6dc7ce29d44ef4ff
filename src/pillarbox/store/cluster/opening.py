"""Taking the lease of a view, in one statement and one round trip.

The statement looks at the maildrop, at the view and at whoever holds it, takes it when it may, and
says what it has seen; a user without mail gets a maildrop. The listing of a small one comes along, as it
is what nearly every session asks for next. All of it is one moment's.

Who holds the view is dead if the process was so when the statement began (``now()``): what the
statement sees is no older. A process that has been renewed since goes on; it has lost this one lease
and will be told when it commits.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from pillarbox.contracts.errors import (
    MaildropLocked,
    NoSuchView,
    OpenedTooSoon,
    StoreUnavailable,
)
from pillarbox.model import DEFAULT_VIEW, Identity
from pillarbox.store.cluster.clock import DatabaseClock
from pillarbox.store.cluster.leases import Life
from pillarbox.store.cluster.tables import Tables
from pillarbox.store.cluster.views import listed

SMALL = 100
"""Messages up to which the listing comes along: some five kilobytes."""
LOOKED_THROUGH = 400
"""Messages of the maildrop that may be looked through for it, if the view does not list them all."""
ATTEMPTS = 3
"""Of an opening for which a life has to begin first, or that came too late."""

TOKEN = "(extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT"  # noqa: S105 -- a number
"""The first of a view: higher than those of any that had its name before."""

_OPEN = f"""
    WITH was AS (
        SELECT d.name AS maildrop, d.id AS maildrop_id, d.next_seq, d.messages, d.octets,
            v.name AS view, v.token, v.unlisted_messages, v.unlisted_octets, v.since, v.opened_at, v.seen_at, v.absent,
            v.created_at, coalesce(h.alive_until > now(), FALSE) AS held, h.id AS holder,
            v.holder IS NOT NULL AS left_behind,
            $6::FLOAT8 > 0 AND v.opened_at <= now()
                AND v.opened_at > now() - $6::FLOAT8 * INTERVAL '1 second' AS too_soon,
            clock_timestamp() < $5 AS in_time,
            EXISTS (SELECT 1 FROM processes AS p
                WHERE p.id = $3 AND p.alive_until > clock_timestamp()) AS alive,
            EXISTS (SELECT 1 FROM views AS o WHERE o.maildrop = $1 AND o.name <> $2) AS others
        FROM (VALUES (1)) AS one (n)
        LEFT JOIN maildrops AS d ON d.name = $1
        LEFT JOIN views AS v ON v.maildrop = d.name AND v.name = $2
        LEFT JOIN processes AS h ON h.id = v.holder
    ), may AS (
        SELECT * FROM was WHERE alive AND in_time AND NOT held AND too_soon IS NOT TRUE
            AND (view IS NOT NULL OR maildrop IS NULL AND $2 = '{DEFAULT_VIEW}')
    ), made AS (
        INSERT INTO maildrops (name) SELECT $1 FROM may WHERE maildrop IS NULL
        ON CONFLICT (name) DO NOTHING
    ), taken AS (
        INSERT INTO views (maildrop, name, token, holder, opening, seen_at, opened_at)
        SELECT $1, $2, coalesce(token + 1, {TOKEN}), $3::UUID, $4::UUID, clock_timestamp(),
            CASE WHEN $6::FLOAT8 > 0 THEN clock_timestamp() END FROM may
        ON CONFLICT (maildrop, name) DO UPDATE SET token = excluded.token,
            holder = excluded.holder, opening = excluded.opening, seen_at = excluded.seen_at,
            opened_at = coalesce(excluded.opened_at, views.opened_at), absent = FALSE
        RETURNING token, created_at
    )
    SELECT was.maildrop IS NOT NULL AS is_there, was.maildrop_id,
        coalesce(was.next_seq, 1) AS next_seq, coalesce(was.messages, 0) AS in_maildrop,
        coalesce(was.messages - was.unlisted_messages, 0) AS count,
        coalesce(was.octets - was.unlisted_octets, 0) AS octets, was.view IS NOT NULL AS has_view,
        coalesce(was.since, 0) AS since, was.held, was.too_soon, was.in_time, was.alive,
        was.others, was.left_behind, was.opened_at, was.seen_at, coalesce(was.absent, FALSE) AS absent,
        clock_timestamp() AS now, taken.token, taken.created_at,
        (SELECT m.unique_id FROM messages AS m WHERE m.maildrop = $1
            ORDER BY m.seq DESC LIMIT 1) AS newest,
        listing.seqs, listing.sizes, listing.unique_ids
    FROM was LEFT JOIN taken ON TRUE LEFT JOIN LATERAL (
        SELECT array_agg(m.seq ORDER BY m.seq) AS seqs,
            string_agg(m.octets::TEXT, ' ' ORDER BY m.seq) AS sizes,
            string_agg(m.unique_id, ' ' ORDER BY m.seq) AS unique_ids
        FROM messages AS m, views AS v
        WHERE taken.token IS NOT NULL AND was.messages BETWEEN 1 AND {LOOKED_THROUGH}
            AND was.messages - was.unlisted_messages BETWEEN 1 AND {SMALL}
            AND v.maildrop = $1 AND v.name = $2 AND m.maildrop = $1 AND {listed()}
    ) AS listing ON TRUE
"""  # noqa: S608 -- our own text
"""What the listing depends on stands within it: in the join's condition it would be made in any case, and
then not taken."""
_GIVE_BACK = """
    WITH ours AS (
        SELECT token FROM views WHERE maildrop = $1 AND name = $2 AND opening = $3::UUID
    )
    UPDATE views SET holder = CASE WHEN opening = $3::UUID THEN NULL ELSE holder END,
        opening = CASE WHEN opening = $3::UUID THEN NULL ELSE opening END
    WHERE maildrop = $1 AND name = $2 RETURNING (SELECT token FROM ours)
"""
"""The row is written in any case: a taking that is still going on meets it there, and one of the two
is told to begin again, which nobody does for a taking that was given up."""
_MEET = f"""
    WITH box AS (
        INSERT INTO maildrops AS d (name) VALUES ($1)
        ON CONFLICT (name) DO UPDATE SET changes = d.changes RETURNING 1
    )
    INSERT INTO views (maildrop, name, token) SELECT $1, '{DEFAULT_VIEW}', {TOKEN} FROM box
    ON CONFLICT (maildrop, name) DO NOTHING
"""  # noqa: S608 -- our own text
"""Where there is no row yet, a taking that is still going on makes it, which nobody sees; who makes
the same meets it: it has happened before, and is found, or it never will.
"""
_UNDO = """
    UPDATE views SET holder = NULL, opening = NULL, opened_at = $4, seen_at = $5, absent = $6
    WHERE maildrop = $1 AND name = $2 AND opening = $3 RETURNING token
"""


@dataclass(frozen=True, slots=True)
class Before:
    """What the view's row said of earlier sessions."""

    opened_at: datetime | None
    seen_at: datetime | None
    absent: bool


@dataclass(slots=True)
class Small:
    """A whole listing, as it came along: texts, as they take a tenth of the room of objects."""

    seqs: array[int]
    sizes: str
    unique_ids: str


@dataclass(slots=True)
class Lease:
    """A view that has been taken, and what it listed then."""

    identity: Identity
    process: UUID
    opening: UUID
    """Which the session has chosen by itself, before it asked."""
    token: int
    count: int
    octets: int
    maildrop_id: UUID | None
    """Of this maildrop, and none that has the user's name later; None: there was none."""
    in_maildrop: int
    """Messages that the maildrop had, listed or not."""
    next_seq: int
    since: int
    alone: bool
    """Whether there was no other view."""
    key: tuple[datetime, int, int, str | None]
    """Of the listing: when the view was made, its next sequence number, its count, and the newest
    unique-id of the maildrop."""
    before: Before
    small: Small | None
    taken_over: bool
    """Whether somebody had it who is dead."""


@dataclass(slots=True)
class Opening:
    """One attempt to take a view, which may have to be given up."""

    tables: Tables
    clock: DatabaseClock
    life: Life
    identity: Identity
    minimum_interval: float
    identifier: UUID

    @classmethod
    def of(
        cls, tables: Tables, clock: DatabaseClock, life: Life, identity: Identity, interval: float
    ) -> Opening:
        return cls(tables, clock, life, identity, interval, uuid4())

    async def take(self) -> Lease:
        """See :meth:`Store.open`.

        Raises:
            MaildropLocked, OpenedTooSoon, NoSuchView, StoreUnavailable: see there.
            Unsettled: it may be taken, now or within a while: :meth:`give_back` is due.
        """
        for _ in range(ATTEMPTS):
            process = await self.life.identifier()
            row = await self._asked(process)
            if row["token"] is not None:
                return self._lease(process, row)
            self._refuse(row)
            if not row["alive"]:
                self.life.has_ended(process)
        raise StoreUnavailable(
            f"the maildrop of {self.identity.user} could not be opened: database "
            f"{self.tables.name} answers too late",
            temporary=True,
        )

    async def give_back(self, before: Before | None = None) -> int | None:
        """Free what may have been taken; its token if it was.

        Args:
            before: of what was taken for sure, and is to be as if it never had been.
        """
        user, view = self.identity
        if before is None:
            rows = await self.tables.change(_GIVE_BACK, user, view, self.identifier)
        else:
            values = before.opened_at, before.seen_at, before.absent
            rows = await self.tables.change(_UNDO, user, view, self.identifier, *values)
        return rows[0][0] if rows else None

    async def give_up(self) -> int | None:
        """The same of what may still be about to be taken, and is not then."""
        user, view = self.identity
        rows = await self.tables.change(_GIVE_BACK, user, view, self.identifier)
        if not rows and view == DEFAULT_VIEW:
            await self.tables.change(_MEET, user)
            rows = await self.tables.change(_GIVE_BACK, user, view, self.identifier)
        return rows[0][0] if rows else None

    async def _asked(self, process: UUID) -> Any:
        deadline = await self.clock.deadline()
        user, view = self.identity
        (row,) = await self.tables.change(
            _OPEN, user, view, process, self.identifier, deadline, self.minimum_interval
        )
        self.clock.note(row["now"])
        return row

    def _refuse(self, row: Any) -> None:
        user, view = self.identity
        if not row["has_view"] and (row["is_there"] or view != DEFAULT_VIEW):
            raise no_such_view(self.identity)
        if row["held"]:
            which = "" if view == DEFAULT_VIEW else f"view {view!r} of the "
            raise MaildropLocked(f"{which}maildrop of {user} is in use by another session")
        if row["too_soon"]:
            raise OpenedTooSoon(
                f"maildrop of {user} was opened less than {self.minimum_interval:g} seconds ago"
            )

    def _lease(self, process: UUID, row: Any) -> Lease:
        count, next_seq = row["count"], row["next_seq"]
        small = None
        # One that is not as long as its counter says is read anew, and refused then.
        if len(row["seqs"] or ()) == count > 0:
            small = Small(array("q", row["seqs"]), row["sizes"], row["unique_ids"])
        return Lease(
            identity=self.identity,
            process=process,
            opening=self.identifier,
            token=row["token"],
            count=count,
            octets=row["octets"],
            maildrop_id=row["maildrop_id"],
            in_maildrop=row["in_maildrop"],
            next_seq=next_seq,
            since=row["since"],
            alone=not row["others"],
            key=(row["created_at"], next_seq, count, row["newest"]),
            before=Before(row["opened_at"], row["seen_at"], row["absent"]),
            small=small,
            taken_over=bool(row["left_behind"]),
        )


def no_such_view(identity: Identity) -> NoSuchView:
    return NoSuchView(f"maildrop of {identity.user} has no view {identity.view!r}")
