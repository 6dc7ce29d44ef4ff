"""Going on with a coroutine whose first step was run by hand.

Waking a task costs more than most steps of this program, which find their bytes already
there and never suspend. So both sides of POP3 run the first step of a coroutine right where
they are, by ``coroutine.send(None)``. If it ends there, nothing else was needed. If it
suspends, it has handed out what it waits for, and only a task can wait: :func:`rest_of` makes
of the two a coroutine that a task can run from there to the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

_T = TypeVar("_T")


def rest_of(coroutine: Coroutine[Any, Any, _T], awaited: Any) -> Coroutine[Any, Any, _T]:
    """What *coroutine* returns, or raises, in the end.

    Args:
        coroutine: it has been started, and is suspended.
        awaited: what its last ``send`` returned.
    """
    return _Rest(coroutine, awaited)


class _Rest(Coroutine[Any, Any, _T]):
    """The rest of a coroutine that already waits for something.

    No ``async def``: one that has not begun ends where it is when its task is cancelled, and the
    coroutine, which has begun, would never hear of that.
    """

    __slots__ = ("_awaited", "_begun", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, _T], awaited: Any) -> None:
        self._coroutine = coroutine
        self._awaited = awaited
        self._begun = False

    def send(self, value: Any) -> Any:
        if self._begun:
            return self._coroutine.send(value)
        self._begun = True
        awaited, self._awaited = self._awaited, None
        return awaited

    def throw(self, *thrown: Any) -> Any:
        awaited, self._awaited = self._awaited, None
        self._begun = True
        if asyncio.isfuture(awaited) and isinstance(thrown[-1], asyncio.CancelledError):
            awaited.cancel()  # as a task does that waits for it
        return self._coroutine.throw(*thrown)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, _T]:
        step: Callable[[Any], Any] = self.send
        given: Any = None
        while True:
            try:
                awaited = step(given)
            except StopIteration as stop:
                result: _T = stop.value
                return result
            try:
                step, given = self.send, (yield awaited)
            except BaseException as error:  # noqa: BLE001 -- passed on whole, cancellation too
                step, given = self.throw, error
