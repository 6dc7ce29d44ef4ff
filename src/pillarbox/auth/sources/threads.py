"""Threads for libraries that block: a limited number, and nobody waits for them for ever.

A call that a library does not come back from keeps its thread, but not the one who asked: that
one is told, in time, that it takes too long. When all threads are kept, everybody is told so,
until the library comes back. The threads end with the process whatever they do, so that a
server can stop (those of `concurrent.futures` would be waited for).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, ParamSpec, TypeVar

from pillarbox.auth.errors import AccountsUnavailable

MAX_WAITING = 1000
"""Calls in line for a thread. Beyond, "try later" is a better answer than a client's time-out."""

P = ParamSpec("P")
T = TypeVar("T")


class _Call(NamedTuple):
    work: Callable[[], Any]
    answer: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Threads:
    """*count* threads of the source *name*. A call may take *timeout* seconds.

    Each thread calls *farewell* at its end. Used from one event loop.
    """

    def __init__(
        self,
        name: str,
        count: int,
        timeout: float,
        *,
        farewell: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._count = count
        self._timeout = timeout
        self._farewell = farewell
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._waiting = 0
        self._threads: list[threading.Thread] = []
        self._ended = asyncio.Semaphore(0)
        self._closed = False

    async def call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What *work* returns; what it raises is raised.

        Raises:
            AccountsUnavailable: it takes too long, or too many wait already.
        """
        if self._closed:
            raise AccountsUnavailable(f"{self._name}: is being closed")
        if self._waiting >= MAX_WAITING:
            raise AccountsUnavailable(f"{self._name}: {MAX_WAITING} calls wait already")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._start(loop)
        self._waiting += 1
        try:
            self._calls.put(_Call(partial(work, *args, **kwargs), answer, loop))
            await asyncio.sleep(0)  # only then there is a task, which a time-out needs
            async with asyncio.timeout(self._timeout):
                return await answer
        except TimeoutError:
            raise AccountsUnavailable(
                f"{self._name}: no answer within {self._timeout:g} seconds"
            ) from None
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the threads, after what they do now. Waits no longer than a call may take."""
        self._closed = True
        for _ in self._threads:
            self._calls.put(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                for _ in self._threads:
                    await self._ended.acquire()
        self._threads = []

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._threads:
            return
        self._threads = [
            threading.Thread(
                target=self._live, args=(loop,), name=f"{self._name} {number}", daemon=True
            )
            for number in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        while (call := self._calls.get()) is not None:
            if not call.answer.cancelled():  # else nobody waits for it any more
                _answer(call)
        self._farewell()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(self._ended.release)


def _answer(call: _Call) -> None:
    tell: Callable[[], None]
    try:
        tell = partial(_tell, call.answer, call.work(), None)
    except BaseException as error:  # noqa: BLE001 - it belongs to who called
        tell = partial(_tell, call.answer, None, error)
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
        call.loop.call_soon_threadsafe(tell)


def _tell(answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
