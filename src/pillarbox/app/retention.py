"""The sweep: applies ``[retention]`` at the start and every hour, in one worker of all.

It runs beside the sessions and disturbs none (:meth:`pillarbox.contracts.store.StoreAdmin.expire`
leaves alone what is open). What it did is logged and counted; a failure is logged, and tried
again. A device that is about to be absent is told of beforehand, once for each absence and
process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Protocol

import structlog

from pillarbox.app.absence import Phase, absence_of
from pillarbox.app.config import settings
from pillarbox.app.config.settings import DAY
from pillarbox.contracts.errors import PillarboxError
from pillarbox.contracts.meter import Meter
from pillarbox.contracts.store import Expired, MaildropStatus, Retention

SWEEP_SECONDS = 3600.0
"""Between two sweeps. Retention counts in days, so an hour is early enough."""
RETRY_SECONDS = 300.0
"""After a sweep that failed: a disk that was full, a lock that was held."""
MOST_LINES = 100
"""Lines of the log about devices in one sweep; the first one of a large post office, long after
its devices have gone, could write thousands."""

_log = structlog.get_logger("pillarbox.retention")


class Swept(Protocol):
    """What the sweep needs of a store."""

    async def users(self) -> Sequence[str]: ...
    async def status(self, user: str) -> MaildropStatus: ...
    async def expire(self, retention: Retention) -> Expired: ...


def retention_of(wanted: settings.Retention) -> Retention:
    """``[retention]`` as a store understands it."""
    return Retention(
        expire_seconds=float(wanted.expire_days * DAY),
        absent_seconds=float(wanted.unread_by_device_days * DAY),
    )


class Sweep:
    """Applies the retention that is *wanted* to *store*, until it is stopped."""

    def __init__(
        self,
        store: Swept,
        wanted: settings.Retention,
        meter: Meter,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._wanted = wanted
        self._meter = meter
        self._clock = clock
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
        """One sweep; False when it failed, which has been logged."""
        try:
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
        near = await self._views_near_absence()
        told = {whose: seen for whose, (seen, _) in near.items()}
        _in_part(
            "mail will soon no longer wait for a device that does not come",
            (
                {"user": user, "view": view, "days_left": round(left / DAY, 1)}
                for (user, view), (seen, left) in near.items()
                if self._told.get((user, view), -1.0) != seen
            ),
        )
        self._told = told

    async def _views_near_absence(
        self,
    ) -> dict[tuple[str, str], tuple[float | None, float]]:
        """``(user, view)``: when it was last seen, and the seconds left."""
        near = {}
        for user in await self._store.users():
            await asyncio.sleep(0)  # there may be very many, and sessions are waiting
            status = await self._store.status(user)
            if len(status.views) == 1:
                continue  # where nobody else is, nobody deletes what it has not seen
            for view in status.views:
                absence = absence_of(view, self._wanted, self._clock())
                if absence.phase is Phase.SOON:
                    near[user, view.name] = view.seen_at, absence.seconds_left
        return near


def _in_part(event: str, lines: Iterable[dict[str, object]]) -> None:
    """Log a line for each, but not too many."""
    lines = iter(lines)
    for fields in islice(lines, MOST_LINES):
        _log.warning(event, **fields)
    if more := sum(1 for _ in lines):
        _log.warning(event, and_more=more)
