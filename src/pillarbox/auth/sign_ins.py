"""What a name and a password have opened before, as long as no account has changed since.

A poll says to the letter what the last poll said. Whoever is found here is through without a look at
accounts, devices and proofs, which would come to the same: whatever any process commits to an
accounts file makes all of this void (:mod:`.wal_index`), and the proof of a human password is not
believed for longer than by the look itself (:mod:`.cache`). Users of other sources are never remembered
here, since nobody tells when they change.

As there, what is kept is a keyed digest, and no failure.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

from pillarbox.model import Identity
from pillarbox.sasl.claims import PasswordClaim

REMEMBERED = 16_384
"""As many as proofs; more, and it starts to remember anew. Some 300 octets each."""


class SignIns:
    """A bounded memory, for one event loop.

    The *version* that its methods take is that of the accounts (:meth:`.place.Place.version`), read before
    anything else was. Of a shared database there is none: any node may have changed it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """*clock*: that of the proofs."""
        self._clock = clock
        self._keyed = hashlib.blake2b(key=secrets.token_bytes(32), digest_size=16)
        self._version: bytes | None = None
        self._opened: dict[bytes, tuple[Identity, float]] = {}

    def __len__(self) -> int:
        return len(self._opened)

    def find(self, version: bytes | None, claim: PasswordClaim) -> Identity | None:
        """What *claim* has opened before, if that is still true."""
        if version is None or version != self._version:
            return None
        key = self._key(claim)
        opened = self._opened.get(key)
        if opened is None:
            return None
        identity, good_until = opened
        if self._clock() < good_until:
            return identity
        del self._opened[key]
        return None

    def remember(
        self, version: bytes | None, claim: PasswordClaim, identity: Identity, good_until: float
    ) -> None:
        """Take note that *claim* has opened *identity*, until then (by the clock) at most."""
        if version is None or good_until <= self._clock():
            return
        if version != self._version or len(self._opened) >= REMEMBERED:
            self._opened.clear()
            self._version = version
        self._opened[self._key(claim)] = identity, good_until

    def _key(self, claim: PasswordClaim) -> bytes:
        name, password = claim
        digest = self._keyed.copy()
        # With its length in front, no other two say this.
        digest.update(f"{len(name)} {name}{password}".encode("utf-8", "surrogatepass"))
        return digest.digest()
