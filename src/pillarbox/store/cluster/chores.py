"""What goes on behind the back of whoever asked for it: it is finished all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

T = TypeVar("T")

_log = structlog.get_logger("pillarbox.store")


class Chores:
    """The tasks of a store that nobody may wait for any more."""

    __slots__ = ("_endless", "_tasks")

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._endless: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Have *work* done, whether anybody waits for it or not."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def go_on(self, work: Coroutine[Any, Any, None]) -> None:
        """The same of what ends only with the store, or is of no use after it."""
        task = asyncio.create_task(work)
        self._endless.add(task)
        task.add_done_callback(self._ended)

    async def finish(self) -> None:
        """Wait for what was begun; break off the rest."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))
        await _broken_off(self._endless)

    async def break_off(self) -> None:
        """End all that was begun, as it is."""
        await _broken_off(self._tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._endless.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a chore was ended by a mistake in the program", exc_info=error)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # known now: nobody may be left to look at it


async def _broken_off(tasks: set[asyncio.Task[Any]]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
