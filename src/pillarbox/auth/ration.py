"""So many at once, and so many a second from then on."""

from __future__ import annotations

from collections.abc import Callable


class Ration:
    """What somebody may still take of something.

    Args:
        most: what is saved up at most, and there at the beginning.
        regained: how many come back each second.
        clock: seconds that only ever grow.
    """

    __slots__ = ("_clock", "_left", "_most", "_regained", "_since")

    def __init__(self, most: int, regained: float, clock: Callable[[], float]) -> None:
        self._most = self._left = float(most)
        self._regained = regained
        self._clock = clock
        self._since = clock()
        """When *_left* was right."""

    def take(self) -> bool:
        """Take one; False: there is none."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._since) * self._regained)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """The last one was not used after all."""
        self._left = min(self._most, self._left + 1)
