"""Message-IDs: of the message, and of those that it answers."""

from __future__ import annotations

import re

from pillarbox.reader.mail.header import Header
from pillarbox.reader.mail.limits import IDENTIFIERS
from pillarbox.reader.mail.words import raw_text, tidy

_BRACKETED = re.compile(r"<([^<>]{1,998})>")
_WORD = re.compile(r"[^\s<>,;]++")
_LONGEST = 998
"""Characters of one without brackets: a line (RFC 5322, section 2.1.1)."""


def read_identifiers(value: bytes) -> list[str]:
    """All in the field; a field without brackets may still have some."""
    text = raw_text(value)
    found = _BRACKETED.findall(text) or list(filter(_is_bare, _WORD.findall(text)))
    return [inner for each in found if (inner := "".join(tidy(each).split()))]


def _is_bare(word: str) -> bool:
    return len(word) <= _LONGEST and "@" in word[1:-1]


def message_id(header: Header) -> str:
    """Without brackets; empty: there is none."""
    found = read_identifiers(header.first(b"message-id"))
    return found[0] if found else ""


def references(header: Header) -> tuple[str, ...]:
    """Of References, then In-Reply-To, the oldest first, each once. Of very many the first and the last ones."""
    found = read_identifiers(header.first(b"references"))
    found += read_identifiers(header.first(b"in-reply-to"))
    once = list(dict.fromkeys(found))
    if len(once) > IDENTIFIERS:
        once = [once[0], *once[1 - IDENTIFIERS :]]
    return tuple(once)
