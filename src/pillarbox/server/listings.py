"""Replies to LIST and UIDL that were made before, for clients that ask again.

Most sessions are polls, and most polls find what the last one found. The store names a listing
by a key (:attr:`pillarbox.contracts.store.Maildrop.listing_key`); while the key is the same,
so is every line of the reply, and it is sent as it was made.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

REMEMBERED_OCTETS = 4 * 1024 * 1024
"""Octets of remembered replies in one process: both lists of some 2,000 maildrops of 50."""

REPLY_COST = 500
"""What a reply counts for beside its octets: its key and its place."""

MAX_REPLY = 64 * 1024
"""Octets of the longest reply that is remembered: a few large maildrops must not take all."""


class Listings:
    """The remembered replies of one process; those not asked for the longest leave first."""

    __slots__ = ("_cost", "_limit", "_longest", "_made")

    def __init__(self, limit: int = REMEMBERED_OCTETS, longest: int = MAX_REPLY) -> None:
        self._limit = limit
        self._longest = longest
        self._cost = 0
        self._made: OrderedDict[Hashable, tuple[Hashable, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._made)

    def find(self, whose: Hashable, key: Hashable) -> bytes | None:
        """The reply remembered for *whose*, if its listing has the key *key*."""
        known = self._made.get(whose)
        if known is None or known[0] != key:
            return None
        self._made.move_to_end(whose)
        return known[1]

    def remember(self, whose: Hashable, key: Hashable, made: bytes) -> None:
        """Keep a reply that was just made, in place of the one before: that will never be true
        again.
        """
        self._forget(whose)
        if len(made) > self._longest:
            return
        self._made[whose] = key, made
        self._cost += len(made) + REPLY_COST
        while self._cost > self._limit:
            self._forget(next(iter(self._made)))

    def _forget(self, whose: Hashable) -> None:
        known = self._made.pop(whose, None)
        if known is not None:
            self._cost -= len(known[1]) + REPLY_COST
