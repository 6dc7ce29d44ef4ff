"""Messages that are none: where a mail server keeps the state of a folder.

UW-IMAP, and others after it, keep what belongs to an mbox as its first message, and some POP3
servers list that like any other. It holds the numbers of all other messages: whoever collects
and deletes it makes the server give them new ones.

What has come by mail is mail, though it looks like one: else anybody could send what is never
collected. The server that took it in has put its trace before it (RFC 5321, section 4.4).
"""

from __future__ import annotations

import re

OPENING = 4096
"""Octets that are looked at. Such a message has a header of some 500, in one form for 30 years."""

_HEADER_END = re.compile(rb"\n\r?\n")
_WORD = b"X-IMAP"
_MARK = re.compile(rb"^X-IMAP(?:base)?:", re.MULTILINE)
_SUBJECT = re.compile(rb"^Subject:.*FOLDER INTERNAL DATA", re.MULTILINE)

_TRACE = re.compile(rb"^(?:Received|Return-Path):", re.MULTILINE | re.IGNORECASE)


def is_enough(opening: bytes) -> bool:
    """Whether the header is there, or so much of it that more would change nothing."""
    return len(opening) >= OPENING or b"\n\r\n" in opening or b"\n\n" in opening


def is_bookkeeping(opening: bytes) -> bool:
    """Whether a message that begins with *opening* is one of these."""
    if _WORD not in opening:  # every message comes by here, and a search costs a tenth of a look
        return False
    end = _HEADER_END.search(opening)
    header = opening[: end.start() + 1] if end else opening
    looks_so = _MARK.search(header) is not None and _SUBJECT.search(header) is not None
    return looks_so and _TRACE.search(header) is None
