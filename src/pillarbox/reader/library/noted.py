"""What other programs have noted of a message that an import brings: in a Maildir by the file's name, in an mbox by fields of
the header (``Status``, ``X-Status``, ``X-Mozilla-Status``).

A message of which nothing is noted counts as read: what is imported is old mail.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from pillarbox.reader.model import Flag
from pillarbox.sources.found import Found
from pillarbox.sources.letters import HEAD

_STATUS = re.compile(
    rb"^(X-Mozilla-Status|X-Status|Status):[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE
)
_NOTED = re.compile(
    rb"^(?:X-Mozilla-(?:Status2?|Keys)|(?:X-)?Status|Content-Length|Lines|X-UIDL?|X-Keywords|X-Label|X-IMAP(?:base)?"
    rb"|X-Evolution|X-Gmail-Labels):[^\n]*\n(?:[ \t][^\n]*\n)*+",
    re.IGNORECASE | re.MULTILINE,
)
"""What changes in an mbox while it is used there. Some of it senders write, too (``Lines``); but a message that differs from
another in nothing else is the same to who reads it. ``Keywords`` is theirs alone (RFC 5322, section 3.6.5).
"""
_MBOX_LETTERS = {"R": Flag.SEEN, "A": Flag.REPLIED, "F": Flag.FLAGGED}
_MOZILLA_BITS = {0x1: Flag.SEEN, 0x2: Flag.REPLIED, 0x4: Flag.FLAGGED, 0x1000: Flag.PASSED}
_MOZILLA_EXPUNGED = 0x8
_IMPORTED = re.compile(r"\.I[0-9a-f]{40}\.import(?:,S=\d+)?$")
_KNOWN_FLAGS = {flag.value: flag for flag in Flag}
_TRASHED = "T"


def flags_of(found: Found, raw: bytes) -> tuple[frozenset[Flag], bool]:
    """And whether it is said to have been deleted."""
    if found.flags is not None:
        flags = (_KNOWN_FLAGS[each] for each in found.flags if each in _KNOWN_FLAGS)
        return frozenset(flags), _TRASHED in found.flags
    header = re.split(rb"\r?\n\r?\n", raw[:HEAD], maxsplit=1)[0]
    if not _STATUS.search(header):
        return frozenset({Flag.SEEN}), False
    said = list(_said(header))
    return frozenset(flag for flag in said if flag), None in said


def identities(message: bytes) -> tuple[str, ...]:
    """Ends of base names: first the one that it has, whatever other programs note of it, then those that earlier versions gave it,
    with its size (as Dovecot says it): when nothing was noted yet, and when notes counted as well.
    """
    end = message.find(b"\n\n") + 1 or len(message)
    header, rest = _NOTED.sub(b"", message[:end]), memoryview(message)[end:]
    name = f"{_digest(header, rest)}.import"
    before = [f"{name},S={len(header) + len(rest)}"]
    if len(header) != end:
        before.append(f"{_digest(message)}.import,S={len(message)}")
    return name, *before


def _digest(*parts: bytes | memoryview) -> str:
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        digest.update(part)
    return f"I{digest.hexdigest()}"


def is_imported(base: str) -> bool:
    """Whether an import has brought the message of this base name."""
    return _IMPORTED.search(base) is not None


def _said(header: bytes) -> Iterator[Flag | None]:
    """None: deleted."""
    for name, value in _STATUS.findall(header):
        if name.lower() != b"x-mozilla-status":
            yield from (
                _MBOX_LETTERS[each] for each in value.decode("latin-1") if each in _MBOX_LETTERS
            )
            if b"D" in value and name.lower() == b"x-status":
                yield None
            continue
        try:
            bits = int(value, 16)
        except ValueError:
            continue
        yield from (flag for bit, flag in _MOZILLA_BITS.items() if bits & bit)
        if bits & _MOZILLA_EXPUNGED:
            yield None
