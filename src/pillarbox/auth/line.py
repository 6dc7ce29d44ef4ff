"""A line of attempts that take turns, with a limited number of places.

First come, first served, one at a time. How many places there are may change while the line
stands: when it gets shorter, those at its end are sent away.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Line:
    """One line, for one event loop.

    *places* says how many may be in it just now, the one whose turn it is included.
    """

    __slots__ = ("_places", "_taken", "_waiting")

    def __init__(self, places: Callable[[], int]) -> None:
        self._places = places
        self._taken = False
        """It is somebody's turn."""
        self._waiting: deque[asyncio.Future[bool]] = deque()

    def __len__(self) -> int:
        return len(self._waiting) + self._taken

    async def turn(self) -> bool:
        """Wait for the turn; False: sent away. Does not suspend when nobody is in line.

        Who got a turn ends it with :meth:`over`.
        """
        if not self._taken:
            self._taken = True
            return True
        if len(self) >= self._places():
            return False
        call: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(call)
        try:
            return await call
        except asyncio.CancelledError:
            if call.cancelled():
                if call in self._waiting:
                    self._waiting.remove(call)
            elif call.result():  # called up at the very moment of leaving
                self.over()
            raise

    def over(self) -> None:
        """The turn ends: send away whom there is no place for, call up the next."""
        places = max(1, self._places())
        while len(self._waiting) > places:
            _tell(self._waiting.pop(), False)
        while self._waiting:
            if _tell(self._waiting.popleft(), True):
                return
        self._taken = False


def _tell(call: asyncio.Future[bool], answer: bool) -> bool:  # noqa: FBT001 - it is the message
    """Whether *answer* reaches anybody: who was cancelled is leaving, and has yet to say so."""
    if call.done():
        return False
    call.set_result(answer)
    return True
