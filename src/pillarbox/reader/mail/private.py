"""What the owner's copy of a message says, and nobody else's may (RFC 5322, section 3.6.3)."""

from __future__ import annotations

import re

_HIDDEN = frozenset((b"bcc", b"resent-bcc"))
_BEFORE = re.compile(rb"(?:(?:>?From [^\n]*)?\r?\n)*")
"""What an mbox puts before a message, and empty lines: no reader takes them for the end of the header."""
_END = re.compile(rb"^\r?(?:\n|\Z)", re.MULTILINE)
"""Of the header."""
_LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")


def without_bcc(message: bytes) -> bytes:
    """*message* (LF or CRLF) without the fields that name hidden recipients. Fields are told apart as :mod:`.header`
    does: a line that is none belongs to the one before it.
    """
    before = _BEFORE.match(message)
    begin = before.end() if before else 0
    end = _END.search(message, begin)
    at = end.start() if end else len(message)
    kept = [message[:begin]]
    hidden = False
    for line in _LINE.findall(message[begin:at]):
        if name := _name(line):
            hidden = name in _HIDDEN
        if not hidden:
            kept.append(line)
    return b"".join(kept) + message[at:]


def _name(line: bytes) -> bytes:
    """Of the field that begins with *line*, in small letters; empty: none does."""
    before, colon, _ = line.partition(b":")
    name = before.rstrip().lower()
    return b"" if not colon or line[:1] in (b" ", b"\t") or b" " in name else name
