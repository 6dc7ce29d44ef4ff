"""How many commands may be under way at once.

As in TCP's slow start the window begins small and grows by one with every reply, so it
doubles in each round trip: 500 messages take six. What bounds it is the number of commands
and the octets that are expected for them (:mod:`pillarbox.client.limits`).
"""

from __future__ import annotations

from pillarbox.client.limits import FIRST_WINDOW, MAX_UNDER_WAY, MAX_WINDOW


class Window:
    """Counts what is under way."""

    __slots__ = ("_most", "_octets", "_size", "count")

    def __init__(self, most: int = MAX_WINDOW, first: int = FIRST_WINDOW) -> None:
        """*most*: commands under way at most; with 1 each waits for the reply before it.

        *first*: commands to begin with.
        """
        self._most = max(1, min(most, MAX_WINDOW))
        self._size = min(first, self._most)
        self._octets = 0
        self.count = 0
        """Commands under way."""

    @property
    def size(self) -> int:
        """Commands that may be under way now, if the octets allow it."""
        return self._size

    @property
    def is_low(self) -> bool:
        """A quarter of the window is free: worth a write.

        One write for many commands costs a fraction of one for each, and three quarters keep
        the server busy meanwhile.
        """
        return self._size - self.count >= max(1, self._size // 4)

    def has_room(self, octets: int) -> bool:
        """Whether one more, of which *octets* are expected, may be sent. If none is, always."""
        if not self.count:
            return True
        return self.count < self._size and self._octets + octets <= MAX_UNDER_WAY

    def sent(self, octets: int) -> None:
        """One more is under way."""
        self.count += 1
        self._octets += octets

    def landed(self, octets: int) -> None:
        """The reply to one has come, whatever it was."""
        self.count -= 1
        self._octets -= octets
        self._size = min(self._size + 1, self._most)
