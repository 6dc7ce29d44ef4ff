"""This process's life: what all the leases of its sessions hang on.

A life has an identifier, and a row that says until when it lasts. One statement puts that off for
all sessions. A life that has not been put off in time is over: no statement brings it back. The process
begins another then, with the next session that is opened; those of the old one find their leases lost.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from uuid import UUID, uuid4

import structlog

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.store.cluster.clock import DatabaseClock
from pillarbox.store.cluster.tables import Tables

RENEWALS = 3
"""Of a lease within its time: one may fail, and another be late."""
AGAIN_SECONDS = 1.0
"""After a renewal that failed, at the most."""

_BEGIN = """
    INSERT INTO processes (id, node, pid, alive_until)
    VALUES ($1, $2, $3, clock_timestamp() + $4 * INTERVAL '1 second')
    RETURNING clock_timestamp()
"""
_RENEW = """
    UPDATE processes SET alive_until = clock_timestamp() + $2 * INTERVAL '1 second'
    WHERE id = $1 AND alive_until > clock_timestamp()
    RETURNING clock_timestamp()
"""
_END = "DELETE FROM processes WHERE id = $1"

_log = structlog.get_logger("pillarbox.store")


class Life:
    """Of one process; there is none before the first session is opened."""

    def __init__(self, tables: Tables, clock: DatabaseClock, node: str, seconds: float) -> None:
        """*tables*: a connection that nothing else keeps busy."""
        self._tables = tables
        self._clock = clock
        self._node = node
        self._seconds = seconds
        self._id: UUID | None = None
        self._beginning = asyncio.Lock()
        self._failures = 0
        self._why: StoreUnavailable | None = None
        """No life could begin the last time."""
        self._renewing: asyncio.Task[None] | None = None

    async def identifier(self) -> UUID:
        """Of the life that goes on, or begins now.

        Raises:
            StoreUnavailable: it cannot begin.
        """
        if self._id is None:
            failures = self._failures
            async with self._beginning:
                if self._id is None:
                    # Who has waited for one that failed does not wait for the next: there may be hundreds.
                    if self._why is not None and self._failures != failures:
                        raise StoreUnavailable(
                            str(self._why), temporary=self._why.temporary
                        ) from self._why
                    self._id = await self._begun()
                    self._renewing = asyncio.create_task(self._renew_for_ever(self._id))
        return self._id

    def has_ended(self, identifier: UUID) -> None:
        """Somebody has found out that this life is over: the next session begins another."""
        if self._id == identifier:
            self._id = None
            self._stop_renewing()
            _log.warning(
                "the leases of this process have lapsed: the database has not heard of it in time; "
                "sessions that are open cannot delete any more",
                node=self._node,
                process=str(identifier),
            )

    async def end(self) -> None:
        """Give all leases up at once."""
        identifier, self._id = self._id, None
        self._stop_renewing()
        if identifier is not None:
            with suppress(StoreUnavailable):  # then they lapse
                await self._tables.change(_END, identifier)
        await self.break_off()

    async def break_off(self) -> None:
        """End whatever is still asked of the database; leases lapse by themselves."""
        await self._tables.close()

    async def renew(self) -> None:
        """Put the end of this life off, if it has begun and not ended.

        Raises:
            StoreUnavailable: the database cannot be asked.
        """
        identifier = self._id
        if identifier is None:
            return
        rows = await self._tables.change(_RENEW, identifier, self._seconds)
        for (now,) in rows:
            self._clock.note(now)
        if not rows:
            self.has_ended(identifier)

    async def _begun(self) -> UUID:
        identifier = uuid4()
        values = self._node, os.getpid(), self._seconds
        try:
            ((now,),) = await self._tables.change(_BEGIN, identifier, *values)
        except StoreUnavailable as error:
            self._failures += 1
            self._why = error
            raise
        self._clock.note(now)
        _log.info("this process takes leases", node=self._node, process=str(identifier))
        return identifier

    async def _renew_for_ever(self, identifier: UUID) -> None:
        pause = self._seconds / RENEWALS
        while self._id == identifier:
            await asyncio.sleep(pause)
            try:
                await self.renew()
                pause = self._seconds / RENEWALS
            except StoreUnavailable as error:
                _log.warning("the leases could not be renewed", error=str(error))
                pause = min(AGAIN_SECONDS, self._seconds / RENEWALS)

    def _stop_renewing(self) -> None:
        renewing, self._renewing = self._renewing, None
        if renewing is not None and renewing is not asyncio.current_task():
            renewing.cancel()
