"""Content transfer encodings, undone as far as they can be (RFC 2045, section 6)."""

from __future__ import annotations

import binascii
from contextlib import suppress

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_OTHERS = bytes(sorted(set(range(256)) - set(_ALPHABET)))

_BASE64_LINE, _BASE64_OCTETS = 77, 57
"""A full line of base64 with its end, and what it stands for."""

_SAMPLE = 512
"""Octets at the beginning of a body that are enough to see what it is."""
_LONGEST_WORD = 20
"""With a space for every so many octets it is no base64."""


def from_base64(encoded: bytes) -> bytes:
    """What is no base64 is passed over, and what is missing at the end stays missing."""
    with suppress(binascii.Error):
        return binascii.a2b_base64(encoded)
    clean = encoded.translate(None, _OTHERS)
    if len(clean) % 4 == 1:  # six bits are no octet
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def from_uuencode(encoded: bytes) -> bytes:
    """Of a part with this encoding: from ``begin`` to ``end``."""
    done: list[bytes] = []
    inside = False
    for line in encoded.split(b"\n"):
        if not inside:
            inside = line.startswith(b"begin ")
        elif line.startswith(b"end"):
            break
        elif line:
            with suppress(binascii.Error):
                done.append(binascii.a2b_uu(line))
    return b"".join(done)


def undo(encoding: bytes, encoded: bytes) -> bytes:
    """The octets of a body. An unknown encoding is none: better than nothing."""
    if encoding == b"base64":
        return encoded if _is_prose(encoded[:_SAMPLE]) else from_base64(encoded)
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(encoded)
    if encoding in (b"x-uuencode", b"uuencode", b"x-uue"):
        return from_uuencode(encoded)
    return encoded


def _is_prose(sample: bytes) -> bool:
    """Whether it only says that it is base64: words have spaces between them."""
    return sample.count(b" ") * _LONGEST_WORD > len(sample)


def estimate(encoding: bytes, encoded: int) -> int:
    """About how many octets *encoded* ones stand for."""
    return encoded * _BASE64_OCTETS // _BASE64_LINE if encoding == b"base64" else encoded


def needed(encoding: bytes, wanted: int) -> int:
    """So many encoded octets are enough for *wanted* decoded ones."""
    if encoding == b"base64":
        return wanted * 3 // 2 // 4 * 4 + 4
    return wanted * 3 if encoding == b"quoted-printable" else wanted
