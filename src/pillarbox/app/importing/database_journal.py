"""The record of imports of a cluster: rows of the database that has the mail, too.

An import has a lease of it, which every change renews; so one that was killed keeps the next one
waiting for :data:`LEASE_SECONDS` at the most. One that was taken for dead and comes back finds
out with its next change, and stores nothing more.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import suppress
from typing import Self, TypeVar

from pillarbox.app.importing.journal import JournalUnusable
from pillarbox.database import Database, DatabaseUnavailable, Transaction

LEASE_SECONDS = 120
"""Longer than it takes to store a batch."""

_TAKE = """
    INSERT INTO imports (maildrop, run, held_until)
    VALUES ($1, $2, clock_timestamp() + $3::FLOAT8 * INTERVAL '1 second')
    ON CONFLICT (maildrop) DO UPDATE SET run = excluded.run, held_until = excluded.held_until
    WHERE imports.held_until < clock_timestamp()
    RETURNING run
"""
_RENEW = """
    UPDATE imports SET held_until = clock_timestamp() + $3::FLOAT8 * INTERVAL '1 second'
    WHERE maildrop = $1 AND run = $2
    RETURNING run
"""
_GIVE_BACK = """
    UPDATE imports SET held_until = clock_timestamp() WHERE maildrop = $1 AND run = $2
"""
_LEFT = """
    SELECT ceil(extract(epoch FROM held_until - clock_timestamp()))::BIGINT
    FROM imports WHERE maildrop = $1
"""
_STORED = "SELECT digest, stored FROM imported WHERE maildrop = $1 AND stored > 0"
_UNSETTLED = """
    SELECT digest, octets, stored, begun FROM imported WHERE maildrop = $1 AND begun > 0
"""
_BEGIN = """
    INSERT INTO imported (maildrop, digest, octets, begun)
    SELECT $1, new.digest, new.octets, new.copies
    FROM unnest($2::BYTEA[], $3::BIGINT[], $4::BIGINT[]) AS new (digest, octets, copies)
    ON CONFLICT (maildrop, digest) DO UPDATE SET begun = imported.begun + excluded.begun
"""
_SETTLE = """
    UPDATE imported SET begun = begun - done.copies, stored = stored + done.there
    FROM unnest($2::BYTEA[], $3::BIGINT[], $4::BIGINT[]) AS done (digest, copies, there)
    WHERE imported.maildrop = $1 AND imported.digest = done.digest
"""
_SETTLE_ALL = """
    UPDATE imported SET begun = 0, stored = stored + done.there
    FROM unnest($2::BYTEA[], $3::BIGINT[]) AS done (digest, there)
    WHERE imported.maildrop = $1 AND imported.digest = done.digest
"""
_FORGET = "DELETE FROM imported WHERE maildrop = $1"
_FORGET_RUNS = "DELETE FROM imports WHERE maildrop = $1"

T = TypeVar("T")


class DatabaseJournal:
    """The record of one maildrop (a :class:`.journal.Journal`); use it as an asynchronous context
    manager.
    """

    def __init__(self, database: Database, user: str) -> None:
        self._database = database
        self._user = user
        self._run = uuid.uuid4()

    async def __aenter__(self) -> Self:
        taken = await self._asked(
            self._database.change(_TAKE, self._user, self._run, LEASE_SECONDS)
        )
        if not taken:
            rows = await self._asked(self._database.fetch(_LEFT, self._user))
            left = max(rows[0][0], 1) if rows else 1
            raise JournalUnusable(
                f"another import into the maildrop of {self._user} is running, or was broken off a "
                f"moment ago: try again in {left} seconds"
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        # If this does not get through, the lease runs out by itself.
        with suppress(DatabaseUnavailable):
            await self._database.change(_GIVE_BACK, self._user, self._run)

    async def stored(self) -> dict[bytes, int]:
        rows = await self._asked(self._database.fetch(_STORED, self._user))
        return dict(rows)

    async def unsettled(self) -> dict[bytes, tuple[int, int, int]]:
        rows = await self._asked(self._database.fetch(_UNSETTLED, self._user))
        return {digest: (octets, stored, begun) for digest, octets, stored, begun in rows}

    async def begin(self, messages: Iterable[tuple[bytes, int]]) -> None:
        copies = Counter(messages)
        digests = [digest for digest, _ in copies]
        octets = [octets for _, octets in copies]
        await self._change(_BEGIN, digests, octets, list(copies.values()))

    async def settle(self, outcomes: Iterable[tuple[bytes, bool]]) -> None:
        copies: Counter[bytes] = Counter()
        there: Counter[bytes] = Counter()
        for digest, stored in outcomes:
            copies[digest] += 1
            there[digest] += stored
        if copies:
            await self._change(
                _SETTLE, list(copies), list(copies.values()), [there[digest] for digest in copies]
            )

    async def settle_all(self, there: Mapping[bytes, int]) -> None:
        await self._change(_SETTLE_ALL, list(there), list(there.values()))

    async def forget(self) -> None:
        await self._change(_FORGET)

    async def _change(self, statement: str, *values: object) -> None:
        async def work(transaction: Transaction) -> None:
            if not await transaction.fetch(_RENEW, self._user, self._run, LEASE_SECONDS):
                raise JournalUnusable(
                    f"another import into the maildrop of {self._user} has begun meanwhile"
                )
            await transaction.fetch(statement, self._user, *values)

        await self._asked(self._database.transaction(work))

    async def _asked(self, asking: Awaitable[T]) -> T:
        try:
            return await asking
        except DatabaseUnavailable as error:
            raise JournalUnusable(f"the record of imports: {error}") from error


async def forget_imports(database: Database, user: str) -> None:
    """Remove the record of *user*, who is being removed; an import that runs will notice.

    Raises:
        JournalUnusable: the database cannot be asked now.
    """

    async def work(transaction: Transaction) -> None:
        for statement in (_FORGET_RUNS, _FORGET):
            await transaction.fetch(statement, user)

    try:
        await database.transaction(work)
    except DatabaseUnavailable as error:
        raise JournalUnusable(f"the record of imports: {error}") from error
