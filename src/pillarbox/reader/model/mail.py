"""What lies in a library: messages, their marks and folders."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

MessageKey = NewType("MessageKey", str)
"""A message in a URL: 22 characters of ``A-Za-z0-9_-``, made of the base name of its file. The same after
every move and reindexing."""

Folder = NewType("Folder", str)
"""Path of a folder below the library's mail: ``Inbox/work``, ``Archive``, ``Projects/2026``."""

INBOX = Folder("Inbox")
"""Not a folder itself: what lies in it are the inboxes, one for each account."""
SENT, ARCHIVE, TRASH = Folder("Sent"), Folder("Archive"), Folder("Trash")
FIXED = (SENT, ARCHIVE, TRASH)
"""Always there, and never renamed or removed; so are the inboxes."""


def inbox_of(account: str) -> Folder:
    """Where the mail of *account* comes in."""
    return Folder(f"{INBOX}/{account}")


class Flag(StrEnum):
    """As in a Maildir's file names (cr.yp.to/proto/maildir.html)."""

    DRAFT = "D"
    FLAGGED = "F"
    PASSED = "P"
    REPLIED = "R"
    SEEN = "S"
    TRASHED = "T"


@dataclass(frozen=True, slots=True)
class Entry:
    """A message's file. ``cur/BASE:2,FLAGS``, or ``new/BASE``."""

    folder: Folder
    base: str
    flags: frozenset[Flag] = frozenset()
    new: bool = False
    """It lies in ``new``: nobody has seen it there."""
    extra: str = ""
    """Letters behind ``:2,`` that are no :class:`Flag` (Dovecot's keywords): kept as they are."""


@dataclass(frozen=True, slots=True)
class Correspondent:
    """Of a header field. Decoded, and without control characters or changes of direction."""

    name: str
    address: str
    """May be empty, or no address at all: it is what was there."""

    def __str__(self) -> str:
        return self.name or self.address


NOBODY = Correspondent("", "")
