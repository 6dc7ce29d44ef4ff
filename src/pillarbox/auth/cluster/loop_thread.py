"""An event loop on a thread of its own, for who cannot wait on one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines to their ends for other threads. Starts at first use; can be started again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What it returns or raises. Not for a thread that runs an event loop others wait for."""
        with self._lock:  # so that it is either before an end, which waits for it, or after
            future = asyncio.run_coroutine_threadsafe(coroutine, self._started())
        try:
            return future.result()
        except BaseException:  # interrupted, say: nobody waits for it any more
            future.cancel()
            raise

    def close(self) -> None:
        """End the loop, after what was asked of it before."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
            if loop is None or thread is None:
                return
            ending = asyncio.run_coroutine_threadsafe(_others_are_done(), loop)
        ending.result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="accounts", daemon=True
            )
            self._thread.start()
        return self._loop


async def _others_are_done() -> None:
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
