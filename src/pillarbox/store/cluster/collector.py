"""The collector: removes objects that nobody refers to, and what is left of processes that are long dead.
It is also who tells an operator that the object store is away.

Any number of nodes may run it at once: each takes what no other has taken. An object's row is doomed
first, and goes last, so whatever a crash leaves is done again, by whoever comes next; it
does no harm to remove what is gone, since no identifier is ever used again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.database import Database
from pillarbox.store.cluster.objects import Objects
from pillarbox.store.cluster.owner import must_be_ours, take_turn
from pillarbox.store.cluster.tables import Tables, TablesUnavailable

GRACE_SECONDS = 600.0
"""So long an object is kept that nobody refers to: for an upload that is under way, which takes a tenth
of it at the most, and for whoever still reads what another one has deleted."""
CLAIM_SECONDS = 300.0
"""Who has doomed objects and not removed them after so long has died, or could not."""
BATCH = 1000
"""Objects removed at once: the most that S3 takes in one request."""
EVERY_SECONDS = 60.0
"""Between two looks of a process, on average: they are not to look at the same time."""
DEAD_SECONDS = 24 * 3600.0
"""So long what is left of a dead process is kept, for an operator to see."""

_DOOM = """
    WITH unused AS (
        SELECT id FROM objects
        WHERE refs = 0 AND touched_at <= now() - $1::FLOAT8 * INTERVAL '1 second'
            AND (doomed_at IS NULL OR doomed_at <= now() - $2::FLOAT8 * INTERVAL '1 second')
        ORDER BY touched_at LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    UPDATE objects AS o SET doomed_at = clock_timestamp() FROM unused WHERE o.id = unused.id
    RETURNING o.id
"""
_FORGET = "DELETE FROM objects WHERE id = ANY($1::UUID[]) AND refs = 0 AND doomed_at IS NOT NULL"
_BURY = """
    WITH pulses_gone AS (
        DELETE FROM pulses WHERE at < now() - $1::FLOAT8 * INTERVAL '1 second'
    )
    DELETE FROM processes WHERE alive_until < now() - $1::FLOAT8 * INTERVAL '1 second'
"""

_log = structlog.get_logger("pillarbox.store")


class Collector:
    """Of one process; for one event loop."""

    def __init__(
        self, database: Database, objects: Objects | None, *, grace: float = GRACE_SECONDS
    ) -> None:
        """*objects*: None if no body is kept in an object store. *grace*: seconds."""
        self._tables = Tables(database)
        self._objects = objects
        self._grace = grace

    async def collect(self) -> int:
        """Remove all that has been nobody's for long enough; how many objects.

        Raises:
            StoreUnavailable: something is left, for the next time.
        """
        await self._tables.change(_BURY, DEAD_SECONDS)
        if self._objects is None:
            return 0
        removed = 0
        while doomed := await self._doom():
            await must_be_ours(self._tables, self._objects)
            await self._objects.remove(doomed)
            await self._tables.change(_FORGET, doomed)
            removed += len(doomed)
        return removed

    async def run(self) -> None:
        """Do so now and then, for ever; and see whether the object store answers, and is ours. That
        something fails is logged, and that it does not any more.
        """
        place = _Trouble(
            "the object store cannot be used now",
            "the object store can be used again",
            others=TablesUnavailable,
        )
        rest = _Trouble("what is over is not removed now", "what is over is removed again")
        while True:
            if await place.of(self._look):
                await rest.of(self._collect)
            await asyncio.sleep(random.uniform(0.5, 1.5) * EVERY_SECONDS)  # noqa: S311 -- no secret

    async def _look(self) -> None:
        """It is only read, mostly: a bucket that keeps all versions keeps all that is written."""
        if self._objects is not None:
            await take_turn(self._tables, self._objects)

    async def _collect(self) -> None:
        removed = await self.collect()
        if removed:
            _log.debug("bodies of removed mail are gone", objects=removed)

    async def _doom(self) -> list[UUID]:
        """Some objects that nobody refers to, nor will from now on."""
        rows = await self._tables.change(_DOOM, self._grace, CLAIM_SECONDS, BATCH)
        return [identifier for (identifier,) in rows]


class _Trouble:
    """Told when it begins, and when it ends."""

    def __init__(
        self, begins: str, ends: str, *, others: type[StoreUnavailable] | tuple[()] = ()
    ) -> None:
        """*others*: what is told elsewhere, and says nothing of this."""
        self._begins, self._ends, self._others = begins, ends, others
        self._is_there = False

    async def of(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether *work* could be done, as far as it is this that matters."""
        try:
            await work()
        except self._others:
            return True
        except StoreUnavailable as error:
            if not self._is_there:
                _log.warning(self._begins, error=str(error))
            self._is_there = True
            return False
        except Exception:  # noqa: BLE001 -- the log says it, and it is tried again
            # A mistake of ours must not end the collector for good, nor go unseen.
            _log.exception(self._begins)
            return False
        if self._is_there:
            _log.info(self._ends)
        self._is_there = False
        return True
