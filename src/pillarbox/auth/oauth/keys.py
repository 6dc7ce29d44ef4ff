"""The issuer's public keys: a JSON Web Key Set (RFC 7517), and which of them fit a token.

A set may hold keys that are of no use here (for encryption, of other types, too weak): they are
passed over, as section 5 of the RFC wants it. A set in which nothing is left is an error.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from typing import Any

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

MAX_KEY_SET = 256 * 1024
"""Octets. The large providers have some ten keys with their certificates, in 20,000."""
MAX_KEYS = 100
"""Keys in a set; the rest is passed over."""
MAX_TRIED = 8
"""Keys that one signature is checked with, where the token does not name one, or several have
that name: each costs 40 to 500 µs."""
MAX_RSA_BITS = 8192
"""A larger one would take milliseconds to check with. (Smaller ones than 2048 bits are not
taken either: RFC 7518, section 3.3.)"""

_SIGNING_CURVES = {"Ed25519", "Ed448"}
_TYPES: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class BadKeySet(ValueError):
    """What should be a key set is none, or has no key that could be used."""


class SigningKeys:
    """Keys that never change; another set is another object."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = tuple(keys)

    def __len__(self) -> int:
        return len(self._keys)

    @classmethod
    def parse(cls, octets: bytes) -> SigningKeys:
        """Read a key set.

        Raises:
            BadKeySet: it is none.
        """
        if len(octets) > MAX_KEY_SET:
            raise BadKeySet(f"has more than {MAX_KEY_SET} octets")
        try:
            found = json.loads(octets)
        except (ValueError, RecursionError):
            raise BadKeySet("is not JSON") from None
        entries = found.get("keys") if isinstance(found, dict) else None
        if not isinstance(entries, list):
            raise BadKeySet('is no JSON Web Key Set: it has no list "keys"')
        keys = [key for entry in entries[:MAX_KEYS] if (key := _key(entry)) is not None]
        if not keys:
            raise BadKeySet("has no public key that signatures can be checked with")
        return cls(keys)

    def fitting(self, kid: str | None, algorithm: str) -> tuple[Key, ...]:
        """The keys that a signature by *algorithm* may be checked with.

        Args:
            kid: the name of the key, if the token has it.
            algorithm: one that we take.
        """
        able = [key for key in self._keys if _can(key, algorithm)]
        if kid is not None:
            # A set with a single key often does not name it.
            named = [key for key in able if key.kid == kid]
            able = named or [key for key in able if key.kid is None]
        return tuple(able[:MAX_TRIED])


def _key(entry: Any) -> Key | None:
    """The key, if it can be used."""
    kind = _TYPES.get(str(entry.get("kty"))) if isinstance(entry, dict) else None
    if kind is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SecurityWarning)  # RSA of fewer than 2048 bits
            key = kind.import_key(entry)
            key.check_use("sig")
            key.check_key_op("verify")
            _ = key.public_key
    except (JoseError, SecurityWarning, ValueError, TypeError, LookupError, AttributeError):
        # Keys are what others have written; what the library says of bad ones is not one error.
        return None
    return key if _signs(key) else None


def _signs(key: Key) -> bool:
    """Whether *key* is of use for signatures, and of a sensible size."""
    match key:
        case RSAKey():
            return key.public_key.key_size <= MAX_RSA_BITS
        case OKPKey():
            return key.curve_name in _SIGNING_CURVES  # others are for encryption
    return True


def _can(key: Key, algorithm: str) -> bool:
    """Whether *key* is one for *algorithm*: its type, its curve, and what it says itself."""
    try:
        JWSRegistry.algorithms[algorithm].check_key(key)
    except JoseError:
        return False
    return True
