"""One message into one maildrop, in one statement.

The statement counts the maildrop up, within its quota, and puts in the message and its body (or
refers to the object that has it), all of that or nothing; a user without mail gets a
maildrop. It may run late, but not later than it says; and by the unique-id, which is chosen before, it
can be found out whether it has.
"""

from __future__ import annotations

import asyncio
import base64
import os
import time
import zlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from pillarbox.contracts.errors import OverQuota, StoreError, StoreUnavailable
from pillarbox.model import DEFAULT_VIEW, Recipient, StoredForm
from pillarbox.store.cluster.clock import DatabaseClock, Patience
from pillarbox.store.cluster.objects import Objects
from pillarbox.store.cluster.opening import TOKEN
from pillarbox.store.cluster.tables import Tables, Unsettled

ATTEMPTS = 3
"""Of a statement that came too late."""
LATEST = 10_000
"""Messages among which one is looked for that was delivered a moment ago, or was not."""
PAUSE_SECONDS = 0.25
"""Between two questions what became of a delivery."""

_DELIVER = """
    WITH {fresh}box AS (
        INSERT INTO maildrops AS d (name, next_seq, messages, octets)
        SELECT $1, 2, 1, $2::BIGINT WHERE clock_timestamp() < $3
            AND ($4::BIGINT <= 0 OR $2::BIGINT <= $4::BIGINT){if_fresh}
        ON CONFLICT (name) DO UPDATE SET next_seq = d.next_seq + 1, messages = d.messages + 1,
            octets = d.octets + excluded.octets
            WHERE $4::BIGINT <= 0 OR d.octets + excluded.octets <= $4::BIGINT
        RETURNING d.next_seq - 1 AS seq
    ), mail AS (
        INSERT INTO messages
            (maildrop, seq, unique_id, octets, stored, international, checksum, object)
        SELECT $1, seq, $5, $2::BIGINT, $6::BIGINT, $7::BOOLEAN, $8::BIGINT, {object} FROM box
    ), looked_at AS (
        INSERT INTO views (maildrop, name, token) SELECT $1, '{default}', {token} FROM box
        WHERE seq = 1 ON CONFLICT (maildrop, name) DO NOTHING
    ), {body}
    SELECT (SELECT seq FROM box) AS seq, clock_timestamp() < $3 AS in_time,
        clock_timestamp() AS now, {is_fresh} AS is_fresh,
        (SELECT octets FROM maildrops WHERE name = $1) AS held
"""
_INLINE = _DELIVER.format(
    fresh="",
    if_fresh="",
    object="NULL::UUID",
    default=DEFAULT_VIEW,
    token=TOKEN,
    body="body AS (INSERT INTO bodies (maildrop, seq, data) SELECT $1, seq, $9::BYTEA FROM box)",
    is_fresh="TRUE",
)
_REFERRING = _DELIVER.format(
    fresh="fresh AS (SELECT id FROM objects WHERE id = $9::UUID AND doomed_at IS NULL), ",
    if_fresh=" AND EXISTS (SELECT 1 FROM fresh)",
    object="$9::UUID",
    default=DEFAULT_VIEW,
    token=TOKEN,
    body="""referred AS (
        UPDATE objects SET refs = refs + 1, touched_at = clock_timestamp()
        WHERE id = $9::UUID AND EXISTS (SELECT 1 FROM box)
    )""",
    is_fresh="EXISTS (SELECT 1 FROM fresh)",
)
_ANNOUNCE = "INSERT INTO objects (id) VALUES ($1)"
_FIND = f"""
    WITH box AS (
        INSERT INTO maildrops AS d (name) SELECT $1
        ON CONFLICT (name) DO UPDATE SET changes = d.changes RETURNING d.next_seq
    ), looked_at AS (
        INSERT INTO views (maildrop, name, token) SELECT $1, '{DEFAULT_VIEW}', {TOKEN} FROM box
        WHERE next_seq = 1 ON CONFLICT (maildrop, name) DO NOTHING
    )
    SELECT EXISTS (SELECT 1 FROM messages AS m
        WHERE m.maildrop = $1 AND m.seq >= box.next_seq - $3::BIGINT AND m.unique_id = $2)
    FROM box
"""  # noqa: S608 -- our own text
"""The maildrop's row is written in any case. A delivery that is still going on (it waits for a row, or for
the standby) meets that: it has happened before, and is found, or it never will. And the answer comes
when a standby has all that was seen: what a primary shows that has just been restarted, it may lack.
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message, to be put into maildrops."""

    tables: Tables
    clock: DatabaseClock
    message: StoredForm
    checksum: int
    body: UUID | None
    """The object that has it; None: it goes into the database."""

    @classmethod
    def of(
        cls, tables: Tables, clock: DatabaseClock, message: StoredForm, body: UUID | None
    ) -> Delivery:
        return cls(tables, clock, message, zlib.crc32(message.data), body)

    async def to(self, recipient: Recipient) -> StoreError | None:
        """Put it into the maildrop of *recipient*; the outcome, as :meth:`Store.deliver` has it."""
        unique_id = new_unique_id()
        try:
            for _ in range(ATTEMPTS):
                deadline = await self.clock.deadline()
                patience = Patience()  # not before: the clock itself may have to be asked
                try:
                    outcome = await self._attempt(recipient, unique_id, deadline)
                except Unsettled as error:
                    return await self._became(recipient, unique_id, patience, error)
                if not isinstance(outcome, _TooLate):
                    return outcome
        except StoreUnavailable as error:
            return error
        return StoreUnavailable(f"database {self.tables.name} answers too late", temporary=True)

    async def _attempt(
        self, recipient: Recipient, unique_id: str, deadline: datetime
    ) -> StoreError | None:
        message = self.message
        (row,) = await self.tables.change(
            _INLINE if self.body is None else _REFERRING,
            recipient.user,
            message.octets,
            deadline,
            recipient.quota_octets,
            unique_id,
            len(message.data),
            message.international,
            self.checksum,
            message.data if self.body is None else self.body,
        )
        self.clock.note(row["now"])
        if row["seq"] is not None:
            return None
        if not row["in_time"]:
            return _TooLate("too late", temporary=True)
        if not row["is_fresh"]:
            return StoreUnavailable(
                f"object {self.body} took too long to upload: the message may be put off by now",
                temporary=True,
            )
        return OverQuota(
            f"maildrop of {recipient.user} holds {row['held'] or 0} octets: {message.octets} more "
            f"would exceed its quota of {recipient.quota_octets}"
        )

    async def _became(
        self, recipient: Recipient, unique_id: str, patience: Patience, error: Unsettled
    ) -> StoreError | None:
        """What became of a delivery whose answer was lost: asked until it is certain, or the
        database does not come back.
        """
        values = recipient.user, unique_id, LATEST
        while True:
            last = patience.is_over
            try:
                ((found,),) = await self.tables.change(_FIND, *values)
            except StoreUnavailable:
                found = False
            if found:
                return None
            if last:
                return error
            await asyncio.sleep(PAUSE_SECONDS)


async def uploaded(tables: Tables, objects: Objects, data: bytes) -> UUID:
    """A new object of *data*, announced, durable, and nobody's yet.

    Raises:
        StoreUnavailable: what there is of it is the collector's.
    """
    identifier = uuid4()
    await tables.change(_ANNOUNCE, identifier)
    await objects.put(identifier, data)
    return identifier


class _TooLate(StoreUnavailable):
    """The statement has done nothing, as it arrived too late."""


def new_unique_id() -> str:
    """A unique-id: the time in milliseconds, which keeps those of one moment together, and 80 random
    bits. Lower case letters and digits only, as some clients use it as a file's name.
    """
    number = int(time.time() * 1000).to_bytes(6) + os.urandom(10)
    return base64.b32encode(number).decode("ascii").rstrip("=").lower()
