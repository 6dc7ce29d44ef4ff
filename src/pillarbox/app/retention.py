"""The sweep: applies ``[retention]`` at the start and every hour, in one worker of all.

In a cluster one node has the turn to do so, and keeps it while it lives; the others ask whether it
is theirs.

It runs beside the sessions and disturbs none (:meth:`pillarbox.contracts.store.StoreAdmin.expire`
leaves alone what is open). What it did is logged and counted; a failure is logged, and tried
again. A device that is about to be absent is told of beforehand, once for each absence and
process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import Protocol

import structlog

from pillarbox.app.absence import notice_seconds
from pillarbox.app.config import settings
from pillarbox.app.config.settings import DAY
from pillarbox.contracts.errors import PillarboxError, StoreUnavailable
from pillarbox.contracts.meter import Meter
from pillarbox.contracts.store import Expired, Retention, SoonAbsent

SWEEP_SECONDS = 3600.0
"""Between two sweeps. Retention counts in days, so an hour is early enough."""
RETRY_SECONDS = 300.0
"""After a sweep that failed (a disk that was full, a lock that was held), or when it is another's turn."""
TURN_SECONDS = SWEEP_SECONDS * 5 / 4
"""A turn that is not kept is another's after so long: later than the next sweep of who has it, so that one
goes on, who knows whom it has warned."""
KEEP_SECONDS = TURN_SECONDS / 4
"""Whoever sweeps for so long asks to keep the turn."""
MOST_LINES = 100
"""Lines of the log about devices in one sweep; the first one of a large post office, long after
its devices have gone, could write thousands."""

_log = structlog.get_logger("pillarbox.retention")


class Swept(Protocol):
    """What the sweep needs of a store."""

    async def take_sweep(self, seconds: float) -> bool: ...
    async def expire(self, retention: Retention) -> Expired: ...
    async def soon_absent(
        self, retention: Retention, notice_seconds: float
    ) -> Sequence[SoonAbsent]: ...


def retention_of(wanted: settings.Retention) -> Retention:
    """``[retention]`` as a store understands it."""
    return Retention(
        expire_seconds=float(wanted.expire_days * DAY),
        absent_seconds=float(wanted.unread_by_device_days * DAY),
    )


class Sweep:
    """Applies the retention that is *wanted* to *store*, until it is stopped."""

    def __init__(self, store: Swept, wanted: settings.Retention, meter: Meter) -> None:
        self._store = store
        self._wanted = wanted
        self._meter = meter
        self._told: dict[tuple[str, str], float | None] = {}
        """When the views that have been warned of were last seen."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the background; nothing is done when nothing ever goes by itself."""
        if self._wanted.least_days is not None and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End; a sweep that is under way is broken off, and what it has done is durable.

        May be cancelled, and called again.
        """
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def _run(self) -> None:
        while True:
            done = await self.once()
            await asyncio.sleep(SWEEP_SECONDS if done else RETRY_SECONDS)

    async def once(self) -> bool:
        """One sweep; False when it failed, which has been logged, or when it is another's turn."""
        try:
            if not await self._store.take_sweep(TURN_SECONDS):
                return False
            async with self._turn_is_kept():
                expired = await self._store.expire(retention_of(self._wanted))
                self._tell(expired)
                if self._wanted.unread_by_device_days:
                    await self._warn()
        except PillarboxError as error:
            _log.error(
                "retention could not be applied; trying again",
                error=str(error),
                seconds=RETRY_SECONDS,
            )
            self._meter.swept("failed")
            return False
        except Exception:  # noqa: BLE001 - the log says it, and an hour later it is tried again
            # A mistake of ours must not end retention for good, nor go unseen.
            _log.exception("retention ended by a mistake in the program; trying again")
            self._meter.swept("failed")
            return False
        self._meter.swept(
            "ok",
            messages=expired.messages,
            octets=expired.octets,
            absent=len(expired.absent),
        )
        return True

    @asynccontextmanager
    async def _turn_is_kept(self) -> AsyncIterator[None]:
        """Meanwhile nobody else begins, however long it takes."""
        keeping = asyncio.get_running_loop().create_task(self._keep_turn())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})

    async def _keep_turn(self) -> None:
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            with suppress(StoreUnavailable):  # the sweep finds that, too
                await self._store.take_sweep(TURN_SECONDS)

    def _tell(self, expired: Expired) -> None:
        if expired.messages:
            _log.info("messages removed", messages=expired.messages, octets=expired.octets)
        _in_part(
            "mail waits no longer for a device that does not come",
            ({"user": user, "view": view} for user, view in expired.absent),
        )
        _log.debug("retention applied", busy=expired.busy)

    async def _warn(self) -> None:
        """Tell of views that will be absent soon, unless that has been told already."""
        retention = retention_of(self._wanted)
        notice = notice_seconds(retention.absent_seconds)
        near = await self._store.soon_absent(retention, notice)
        _in_part(
            "mail will soon no longer wait for a device that does not come",
            (
                {
                    "user": each.user,
                    "view": each.view,
                    "days_left": round(each.seconds_left / DAY, 1),
                }
                for each in near
                if self._told.get((each.user, each.view), -1.0) != each.seen_at
            ),
        )
        self._told = {(each.user, each.view): each.seen_at for each in near}


def _in_part(event: str, lines: Iterable[dict[str, object]]) -> None:
    """Log a line for each, but not too many."""
    lines = iter(lines)
    for fields in islice(lines, MOST_LINES):
        _log.warning(event, **fields)
    if more := sum(1 for _ in lines):
        _log.warning(event, and_more=more)
