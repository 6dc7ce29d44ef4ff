"""What other programs do to the mail is noticed; what is due by the hour is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event
from typing import Protocol

import structlog

from pillarbox.app.reading.bar import Given
from pillarbox.reader.errors import ReaderError

LOOK = 30.0
"""Seconds between two looks at the disk. One that finds nothing is a few system calls a folder."""
TIDY = 3600.0
"""Seconds between two sweeps of what has been in Trash for long enough."""

_log = structlog.get_logger("pillarbox.reader")


class Looked(Protocol):
    """As much of a library as this needs. Blocking."""

    def look(self) -> int: ...

    def tidy(self) -> None: ...


Sleep = Callable[[float], Awaitable[object]]


class Watch:
    """A service; see the module."""

    def __init__(
        self,
        library: Looked,
        first: Callable[[Event], None],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """*first*: what the page's start did not wait for. It ends early when the event is set, by :class:`Given`."""
        self._library = library
        self._first = first
        self._sleep = sleep
        self._stop = Event()
        self._trouble = ""

    async def run(self) -> None:
        """Until cancelled. The disk may be full, or away for a while: that is said once, and tried again."""
        await self._tried(lambda: self._first(self._stop))
        while True:
            await self._tried(self._library.tidy)
            for _ in range(round(TIDY / LOOK)):
                await self._sleep(LOOK)
                await self._tried(self._library.look)

    async def _tried(self, work: Callable[[], object]) -> None:
        try:
            await self._off_loop(work)
        except ReaderError as error:
            if str(error) != self._trouble:
                _log.warning("the library cannot be looked at", problem=str(error))
            self._trouble = str(error)
        else:
            self._trouble = ""

    async def _off_loop(self, work: Callable[[], object]) -> None:
        """In a thread, which cannot be cancelled: it is told, and waited for."""
        task = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            self._stop.set()
            await asyncio.wait({task})
            if not task.cancelled() and not isinstance(task.exception(), Given | None):
                _log.warning("the last look failed", problem=repr(task.exception()))
            raise
