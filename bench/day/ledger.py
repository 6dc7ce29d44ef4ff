"""An account of every letter and everyone it is for: none may be lost, come twice, or to another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence


class Ledger:
    """Where each letter is."""

    def __init__(self) -> None:
        self._sent: dict[str, set[int]] = defaultdict(set)
        """Given to the server; it may be seen from now on."""
        self._due: dict[str, set[int]] = defaultdict(set)
        """The server has said 250: it must be seen."""
        self._gone: dict[str, set[int]] = defaultdict(set)
        """Collected, and deleted by a QUIT that was answered."""

    def sent(self, number: int, users: Iterable[str]) -> None:
        for user in users:
            self._sent[user].add(number)

    def taken(self, number: int, users: Iterable[str]) -> None:
        """The server has taken it for all of them."""
        for user in users:
            # Somebody may have collected it while the 250 was on its way.
            if number not in self._gone[user]:
                self._due[user].add(number)

    def due(self, user: str) -> frozenset[int]:
        """What a session that signs in now must find."""
        return frozenset(self._due[user])

    def collected(self, user: str, numbers: Sequence[int], due: frozenset[int]) -> None:
        """A session has found these letters, and deleted them; *due* as it began.

        Raises:
            AssertionError: that is not what it should have found.
        """
        found = set(numbers)
        if len(found) != len(numbers):
            raise AssertionError(f"{user} sees a letter twice: {sorted(numbers)}")
        if others := found - self._sent[user]:
            raise AssertionError(f"{user} sees letters of others: {sorted(others)}")
        if again := found & self._gone[user]:
            raise AssertionError(f"{user} sees letters that were deleted: {sorted(again)}")
        if lost := due - found:
            raise AssertionError(f"{user} does not see what was taken: {sorted(lost)}")
        self._gone[user] |= found
        self._due[user] -= found

    def waiting(self) -> list[str]:
        """Who has mail."""
        return [user for user, numbers in self._due.items() if numbers]

    def all_collected(self) -> int:
        """How many letters were collected, each by everyone it was for.

        Raises:
            AssertionError: not all were.
        """
        for user, numbers in self._sent.items():
            if left := numbers - self._gone[user]:
                raise AssertionError(f"{user} has never got {sorted(left)}")
        return sum(map(len, self._gone.values()))
