"""The messages that a session has marked as deleted (RFC 1939, section 5, DELE)."""

from __future__ import annotations

from pillarbox.contracts.store import Maildrop

MAX_UNCOUNTED = 1000
"""Marks whose octets are not known yet. They are added up when somebody asks, or when there are
so many: less than a millisecond of work, however many messages a client deletes."""

_NONE: frozenset[int] = frozenset()


class Marks:
    """Their numbers, and how many octets they have together.

    A client that collects its mail marks message after message and asks for no octets in
    between. So a mark does not look into the store; whoever asks pays for those since the last
    time, all at once.
    """

    __slots__ = ("_counted", "_uncounted", "numbers")

    def __init__(self) -> None:
        # Most sessions mark nothing: what is empty costs them no memory.
        self.numbers: set[int] | frozenset[int] = _NONE
        """For reading only."""
        self._counted = 0
        self._uncounted: list[int] | None = None

    async def add(self, number: int, maildrop: Maildrop) -> None:
        """Mark a message of *maildrop* that has no mark yet.

        Raises:
            StoreUnavailable: the octets could not be added up; it is not marked.
        """
        if self._uncounted is not None and len(self._uncounted) >= MAX_UNCOUNTED:
            await self.octets(maildrop)
        if self._uncounted is None:
            self._uncounted = []
        if not isinstance(self.numbers, set):
            self.numbers = set()
        self.numbers.add(number)
        self._uncounted.append(number)

    async def octets(self, maildrop: Maildrop) -> int:
        """The sum of the octets of all that is marked.

        Raises:
            StoreUnavailable: it could not be read.
        """
        if self._uncounted is not None:
            octets = await maildrop.octets_of(self._uncounted)
            self._counted += octets
            self._uncounted = None
        return self._counted

    def clear(self) -> None:
        """Take all marks away."""
        self.numbers = _NONE
        self._counted = 0
        self._uncounted = None
