"""Who sent a message: what the last delivery wrote into ``Return-Path``."""

from __future__ import annotations

import re

HEADER = 64 * 1024
"""Bytes of a header that are looked at. Return-Path comes first (RFC 5321, section 4.4)."""

_RETURN_PATH = re.compile(
    rb"^return-path:[ \t]*<?([!-;=?-~]+)>?[ \t\r]*$", re.IGNORECASE | re.MULTILINE
)


def sender_of(head: bytes) -> str:
    """The envelope sender, of the beginning of a message; empty: there is none, or it is
    not an address in ASCII.
    """
    header = re.split(rb"\r?\n\r?\n", head[:HEADER], maxsplit=1)[0]
    found = _RETURN_PATH.search(header)
    return found[1].decode("ascii") if found else ""
