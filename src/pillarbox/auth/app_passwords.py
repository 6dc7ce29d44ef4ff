"""App passwords: made by us, shown once, one for each device.

Nobody chooses one, so none can be guessed: 24 letters of an alphabet of 20 are 103 bits. That
is why one fast keyed digest is enough to keep it, where a human password needs Argon2. It is
printed in groups, ``bcdf-ghjk-…``: lower-case letters, since a phone's keyboard shows them
first; no digits, for the same reason; no ``i``, ``l`` and ``o``, which look like others; no
``a``, ``e`` and ``u``, so that it spells no word.

However a person types it, with capitals, spaces, without hyphens or with those that a phone
likes better, it is the same. Only SCRAM, where the server never sees what is typed, needs it as
printed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import NamedTuple

from pillarbox.auth.cache import framed

ALPHABET = "bcdfghjkmnpqrstvwxyz"
LETTERS = 24
"""20 ** 24 is more than 2 ** 103: out of reach, even with the file and its key in hand."""
GROUP = 4
"""Letters that a person keeps in mind from the screen to the keyboard."""

MAX_TYPED_CHARACTERS = 100
"""Longer input is no app password, and not looked at: two characters between any two letters
would fit."""

DIGEST_OCTETS = 32

_BETWEEN = re.compile(r"[\s\-\u00ad\u2010-\u2015\u2212\u200b\u2060\ufeff]+")
"""What may stand between letters: white space, hyphens and dashes, and what nobody sees."""
_LETTERS = re.compile(f"[{ALPHABET}]{{{LETTERS}}}")


class AppPassword(NamedTuple):
    """A new app password. Its repr does not show it."""

    printed: str
    """To show once, and to type: groups of letters with hyphens between them."""

    @property
    def letters(self) -> str:
        """As :func:`letters_of` reads it."""
        return self.printed.replace("-", "")

    def __repr__(self) -> str:
        return "<AppPassword>"


def generate() -> AppPassword:
    """A new one, from the system's randomness."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
    return AppPassword(
        "-".join(letters[start : start + GROUP] for start in range(0, LETTERS, GROUP))
    )


def letters_of(typed: str) -> str | None:
    """The letters of an app password, however it was typed; None: this can be none."""
    if not LETTERS <= len(typed) <= MAX_TYPED_CHARACTERS:
        return None
    letters = _BETWEEN.sub("", typed).lower()
    return letters if _LETTERS.fullmatch(letters) else None


def digest(user: str, letters: str, key: bytes) -> bytes:
    """What is kept, and found again by: of this password, for this user, in this place.

    Args:
        user: normalised. With it in the digest, one user's password finds nothing of another's.
        letters: of :func:`letters_of`.
        key: the secret of the place; without it the digest says nothing.
    """
    return hashlib.blake2b(
        framed(user.encode(), letters.encode()), key=key, digest_size=DIGEST_OCTETS
    ).digest()
