"""Remembering which credentials were proved, so that a poll does not pay for a hash.

A client that looks for mail every minute sends the same password every minute. The first
time costs an Argon2 hash; afterwards the answer is found here in microseconds, if nothing
about the account has changed.

What is remembered is a digest of the *whole* identity: account, generation, verifier and
password, each preceded by its length, so that no two identities share the bytes that are
digested (CVE-2025-30189 is what happens otherwise). The digest is BLAKE2b with a random key
that never leaves the process: without it, a stolen entry says nothing about a password.
No password is kept, and no failure: a wrong guess costs a hash each time.

An entry is never wrong: a change gives the account another generation, and the old entry
is not found again. Age and number are limited all the same. After an hour an entry is no proof
any more, but still known for a day: the password has to be proved again, and need not wait
behind guesses for it.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto

MAX_ENTRIES = 16_384
"""One for each active account; some 300 bytes each, so at most 5 MB a process."""

MAX_AGE_SECONDS = 3600.0
"""Since the hash was last computed, not since the last use: a password that is polled with
is proved in full every hour, and what an attacker could read from memory is never old."""

KNOWN_SECONDS = 24 * 3600.0
"""Since the hash was last computed: how long a password is known after it was proved."""

_LENGTH_OCTETS = 4


class Memory(Enum):
    """What the cache knows of a password."""

    NONE = auto()
    """Nothing."""
    KNOWN = auto()
    """It was proved, too long ago to count as a proof."""
    PROOF = auto()
    """It was proved, not too long ago."""


class ProofCache:
    """A bounded set of proved identities; the least recently used leave first."""

    def __init__(
        self,
        *,
        entries: int = MAX_ENTRIES,
        max_age: float = MAX_AGE_SECONDS,
        known_for: float = KNOWN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries = entries
        self._max_age = max_age
        self._known_for = max(max_age, known_for)
        self.clock = clock
        self._keyed = hashlib.blake2b(key=secrets.token_bytes(32), digest_size=16)
        self._proved_at: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._proved_at)

    def look(self, name: str, generation: int, verifier: str, secret: bytes) -> Memory:
        """What is remembered of exactly this."""
        key = self._key(name, generation, verifier, secret)
        proved_at = self._proved_at.get(key)
        if proved_at is None:
            return Memory.NONE
        age = self.clock() - proved_at
        if age >= self._known_for:
            del self._proved_at[key]
            return Memory.NONE
        self._proved_at.move_to_end(key)
        return Memory.PROOF if age < self._max_age else Memory.KNOWN

    def good_until(self, name: str, generation: int, verifier: str, secret: bytes) -> float:
        """The time, by the clock, until which exactly this counts as proved; 0: it does not."""
        proved_at = self._proved_at.get(self._key(name, generation, verifier, secret))
        return 0.0 if proved_at is None else proved_at + self._max_age

    def remember(self, name: str, generation: int, verifier: str, secret: bytes) -> None:
        """Take note that *secret* was proved against this state of the account."""
        key = self._key(name, generation, verifier, secret)
        self._proved_at[key] = self.clock()
        self._proved_at.move_to_end(key)
        while len(self._proved_at) > self._entries:
            self._proved_at.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._proved_at.clear()

    def _key(self, name: str, generation: int, verifier: str, secret: bytes) -> bytes:
        digest = self._keyed.copy()
        digest.update(framed(name.encode(), b"%d" % generation, verifier.encode(), secret))
        return digest.digest()


def framed(*parts: bytes) -> bytes:
    """The parts as one string from which they could be told apart again."""
    return b"".join([len(part).to_bytes(_LENGTH_OCTETS, "big") + part for part in parts])
