"""What was found out about tokens not long ago.

A mail program that polls sends the same token for an hour. What it was found to be is kept for a
short while, under a digest of it; the digest is BLAKE2b with a random key, so nothing that could
be read from memory is of use. A token that has expired meanwhile is not found.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from pillarbox.auth.oauth.claims import Verdict

MAX_ENTRIES = 16_384
"""Some 300 octets each, so at most 5 MB a process. The least recently used leave first."""


class Refusal(NamedTuple):
    """A token that was not good."""

    why: str


class _Entry(NamedTuple):
    finding: Verdict | Refusal
    until: float
    """By the clock that never jumps."""


class TokenMemory:
    """A bounded number of findings.

    Args:
        good_seconds: for which a good token is remembered.
        bad_seconds: the same of one that is not good; 0: never.
        entries: how many are remembered.
        clock: seconds, of any beginning, never going back.
        wall_clock: seconds since 1970, for when tokens expire.
    """

    def __init__(
        self,
        *,
        good_seconds: float,
        bad_seconds: float,
        entries: int = MAX_ENTRIES,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._good_seconds = good_seconds
        self._bad_seconds = bad_seconds
        self._entries = entries
        self._clock = clock
        self._wall_clock = wall_clock
        self._keyed = hashlib.blake2b(key=secrets.token_bytes(32), digest_size=16)
        self._found: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def look(self, token: str) -> Verdict | Refusal | None:
        """What *token* was found to be; None: nothing is known."""
        key = self._key(token)
        entry = self._found.get(key)
        if entry is None:
            return None
        if self._clock() >= entry.until or self._has_expired(entry.finding):
            del self._found[key]
            return None
        self._found.move_to_end(key)
        return entry.finding

    def remember(self, token: str, finding: Verdict | Refusal) -> None:
        """Take note of what *token* is."""
        seconds = self._good_seconds if isinstance(finding, Verdict) else self._bad_seconds
        if not seconds:
            return
        key = self._key(token)
        self._found[key] = _Entry(finding, self._clock() + seconds)
        self._found.move_to_end(key)
        while len(self._found) > self._entries:
            self._found.popitem(last=False)

    def _has_expired(self, finding: Verdict | Refusal) -> bool:
        if not isinstance(finding, Verdict) or finding.expires is None:
            return False
        return self._wall_clock() >= finding.expires

    def _key(self, token: str) -> bytes:
        digest = self._keyed.copy()
        digest.update(token.encode())
        return digest.digest()
