"""Going on with a coroutine whose first step was run by hand.

Waking a task costs more than most steps of this program, which find their bytes already
there and never suspend. So both sides of POP3 run the first step of a coroutine right where
they are, by ``coroutine.send(None)``. If it ends there, nothing else was needed. If it
suspends, it has handed out what it waits for, and only a task can wait: :func:`rest_of` makes
of the two a coroutine that a task can run from there to the end.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


async def rest_of(coroutine: Coroutine[Any, Any, _T], awaited: Any) -> _T:
    """What *coroutine* returns, or raises, in the end.

    Args:
        coroutine: it has been started, and is suspended.
        awaited: what its last ``send`` returned.
    """
    return await _Rest(coroutine, awaited)


class _Rest(Generic[_T]):
    """Awaits the rest of a coroutine that already waits for something."""

    __slots__ = ("_awaited", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, _T], awaited: Any) -> None:
        self._coroutine = coroutine
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, _T]:
        awaited = self._awaited
        while True:
            thrown: BaseException | None = None
            value = None
            try:
                value = yield awaited
            except BaseException as error:  # noqa: BLE001 -- passed on whole, cancellation too
                thrown = error
            try:
                if thrown is None:
                    awaited = self._coroutine.send(value)
                else:
                    awaited = self._coroutine.throw(thrown)
            except StopIteration as stop:
                result: _T = stop.value
                return result
