"""What sources find in the place of a password, and of a quota, as Dovecot writes them."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

MAX_HASH_CHARACTERS = 4096
"""A hash with its scheme has a hundred or two; SCRAM's lines less than a thousand."""

MAX_QUOTA_OCTETS = 2**53
"""As the configuration allows."""

_SCHEME = re.compile(r"\{[A-Za-z0-9][A-Za-z0-9._-]{0,63}\}")
_ARGON2 = re.compile(r"\$(argon2id?)\$")
_SIZE = re.compile(r"([0-9]{1,18}) ?([BKMGT]?)(?:I?B)?", re.IGNORECASE)
_UNITS = {"B": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_NO = frozenset({"", "0", "f", "false", "n", "no", "off"})


def as_hash(text: str, default_scheme: str) -> str | None:
    """*text* with its scheme in braces; None: no password can ever be right.

    That is so of nothing at all, and of what begins as ``passwd`` and ``shadow`` lock an
    account (``!``, ``*``). Hashes of Argon2 say themselves what they are.

    Raises:
        ValueError: this cannot be a hash. The message does not quote it.
    """
    if not text or text[0] in "!*":
        return None
    if len(text) > MAX_HASH_CHARACTERS:
        raise ValueError(f"the password has more than {MAX_HASH_CHARACTERS} characters")
    if not text.isprintable():
        raise ValueError("the password holds unprintable characters")
    if text.startswith("{"):
        if not _SCHEME.match(text):
            raise ValueError("the password begins with a brace, but not with a scheme")
        return text
    if argon2 := _ARGON2.match(text):
        return f"{{{argon2[1].upper()}}}{text}"
    return f"{{{default_scheme}}}{text}"


def is_scheme(name: str) -> bool:
    """Whether *name* can be a scheme's, as ``SHA512-CRYPT``."""
    return _SCHEME.fullmatch(f"{{{name}}}") is not None


def octets(text: str, *, unit: str = "B") -> int:
    """The size that *text* says (``512``, ``10M``, ``1 GiB``); *unit* is that of a bare number.

    Raises:
        ValueError: it says none.
    """
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError("a size is a number, and after it B, K, M, G or T")
    bare = text.strip().isdecimal()
    size = int(found[1]) << (10 * _UNITS[(unit if bare else found[2] or "B").upper()])
    if size > MAX_QUOTA_OCTETS:
        raise ValueError("the size is larger than any disk")
    return size


def octets_of(value: object) -> int:
    """The same of what a database or a directory says; nothing is 0, and so is less than 0.

    Raises:
        ValueError: it is no size.
    """
    if value is None or value == "":
        return 0
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if isinstance(value, str):
        return octets(value)
    try:
        size = int(Decimal(str(value)))
    except (InvalidOperation, OverflowError, ValueError):
        raise ValueError("it is not a number") from None
    if size > MAX_QUOTA_OCTETS:
        raise ValueError("the size is larger than any disk")
    return max(0, size)


def yes(value: object) -> bool:
    """Whether *value* means yes: true, or a text that does not say no; None means no."""
    if isinstance(value, bytes):
        return value != b"\0" and yes(value.decode("ascii", "replace"))
    if isinstance(value, str):
        return value.strip().lower() not in _NO
    return bool(value)
