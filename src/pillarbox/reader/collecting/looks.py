"""The library takes note of what has come: soon, but not for each message anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.intake import finished

GAP = 1.0
"""Seconds between two looks while mail comes in: a look reads the names of a folder, which takes a while where
there are a hundred thousand."""


class Looks:
    """Of one run. On the event loop; looking itself is done in a thread."""

    def __init__(self, look: Callable[[], object], gap: float = GAP) -> None:
        self._look = look
        self._gap = gap
        self._wanted = False
        self._last = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._error: PillarboxError | None = None

    def ask(self) -> None:
        """Something has come: look now, or once the last look is a moment ago."""
        self._wanted = True
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._on())

    async def finish(self) -> PillarboxError | None:
        """One last look; what went wrong with any of them."""
        self._last.set()
        self.ask()
        await self._end()
        return self._error

    async def stop(self) -> None:
        """No more looks; one that is under way is waited for, as a thread cannot be stopped."""
        if self._work is not None and not self._work.done():
            self._work.cancel()
            with suppress(asyncio.CancelledError):
                await self._work

    async def _end(self) -> None:
        try:
            while self._work is not None and not self._work.done():
                await asyncio.shield(self._work)
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def _on(self) -> None:
        loop = asyncio.get_running_loop()
        while self._wanted:
            self._wanted = False
            try:
                await finished(loop.run_in_executor(None, self._look))
            except PillarboxError as error:
                self._error = error
            with suppress(TimeoutError):
                async with asyncio.timeout(self._gap):
                    await self._last.wait()
