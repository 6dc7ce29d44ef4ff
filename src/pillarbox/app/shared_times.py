"""A table of times in memory that the processes share, without locks.

What one worker has learned of an address, the others should know, too: see
:class:`pillarbox.auth.times.Times`. An entry is one word of eight octets, which is written and
read at once: 24 bits of a keyed digest of its name, and milliseconds of the clock that all
processes have. So no entry is ever half of one and half of another. When two processes write
into one set at the very same moment, one of the two may be lost: it will be learned again.

A group has one set of eight entries, which it shares with the few groups that fall into the same. So
whoever fills a group (an account holder with very many networks) pushes out next to nobody.

An entry can be taken for another's once in two million look-ups, and nobody can arrange that,
since the digest has a secret key.
"""

from __future__ import annotations

import hashlib
import mmap
import os

ENTRIES = 8
"""Of a set."""

_WORD = 8
_TIME_BITS = 40  # of milliseconds: 34 years
_TIME = (1 << _TIME_BITS) - 1
_TAG_OCTETS = 3


class SharedTimes:
    """Implements :class:`pillarbox.auth.times.Times`. The supervisor makes it; children inherit it.

    Args:
        sets: how many; the map takes 64 octets for each that was ever used.
    """

    def __init__(self, sets: int) -> None:
        self._sets = sets
        self._words = memoryview(mmap.mmap(-1, sets * ENTRIES * _WORD)).cast("Q")
        self._secret = os.urandom(16)

    def get(self, group: str, name: str) -> float | None:
        first, tag = self._place(group, name)
        for at in range(first, first + ENTRIES):
            word = self._words[at]
            if word and word >> _TIME_BITS == tag:
                return (word & _TIME) / 1000
        return None

    def put(self, group: str, name: str, at: float) -> None:
        first, tag = self._place(group, name)
        words = self._words[first : first + ENTRIES].tolist()
        mine = (n for n, word in enumerate(words) if word and word >> _TIME_BITS == tag)
        earliest = min(range(ENTRIES), key=lambda n: words[n] & _TIME)  # an empty one has none
        place = next(mine, earliest)
        self._words[first + place] = tag << _TIME_BITS | (round(at * 1000) & _TIME)

    def _place(self, group: str, name: str) -> tuple[int, int]:
        """Where the group's set begins, and the name's tag."""
        place = self._hash(group, 8) % self._sets
        return place * ENTRIES, self._hash(f"{group}\0{name}", _TAG_OCTETS)

    def _hash(self, text: str, octets: int) -> int:
        data = text.encode("utf-8", "replace")
        digest = hashlib.blake2b(data, digest_size=octets, key=self._secret).digest()
        return int.from_bytes(digest, "big")
