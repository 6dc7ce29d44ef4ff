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

    __slots__ = ("_octets", "_uncounted", "numbers")

    def __init__(self) -> None:
        # Most sessions mark nothing: what is empty costs them no memory.
        self.numbers: set[int] | frozenset[int] = _NONE
        self._uncounted: list[int] | tuple[()] = ()
        self._octets = 0

    def __len__(self) -> int:
        return len(self.numbers)

    def __contains__(self, number: int) -> bool:
        return number in self.numbers

    async def add(self, number: int, maildrop: Maildrop) -> None:
        """Mark a message of *maildrop* that has no mark yet.

        Raises:
            StoreUnavailable: the octets could not be added up; it is not marked.
        """
        if len(self._uncounted) >= MAX_UNCOUNTED:
            await self.octets(maildrop)
        if not isinstance(self.numbers, set):
            self.numbers = set()
        if not isinstance(self._uncounted, list):
            self._uncounted = []
        self.numbers.add(number)
        self._uncounted.append(number)

    async def octets(self, maildrop: Maildrop) -> int:
        """The sum of the octets of all that is marked.

        Raises:
            StoreUnavailable: it could not be read.
        """
        if self._uncounted:
            octets = await maildrop.octets_of(self._uncounted)
            self._octets += octets
            self._uncounted = ()
        return self._octets

    def clear(self) -> None:
        """Take all marks away."""
        self.numbers = _NONE
        self._uncounted = ()
        self._octets = 0
