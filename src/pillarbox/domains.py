"""Which spellings of a domain are the same one: for sign-in names and for addresses alike."""

from __future__ import annotations


def comparable(domain: str) -> str:
    """The spelling that all spellings of one domain share.

    Letter case, a final dot, and U-labels or A-labels (RFC 5890, section 2.3.2.1) make no
    difference. What IDNA forbids stays as it is: it equals nothing that can be configured.
    """
    key = domain.lower().removesuffix(".")
    if key.isascii():
        return key
    try:
        return key.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return key
