"""What the user does to mail, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from hashlib import blake2b

from pillarbox.reader.model.mail import Flag, Folder, MessageKey
from pillarbox.reader.model.writing import Contact


class Verb(Enum):
    """What was done to messages, for the words of an undo."""

    MOVED = "moved"
    ARCHIVED = "archived"
    DELETED = "deleted"
    MARKED = "marked"


@dataclass(frozen=True, slots=True)
class Change:
    """What was done, and can be undone. Durable when it is returned."""

    id: str
    verb: Verb
    keys: tuple[MessageKey, ...]
    """Those that were there and have changed."""
    to: Folder | None = None
    flag: Flag | None = None
    on: bool = True
    left: int = 0
    """Of an undo: messages that stay as they are, as they have been moved, marked or removed since."""


_MARK_OCTETS = 8


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to mail that comes in: all conditions hold, none is empty for all."""

    id: str
    sender: str = ""
    """A part of an address or name."""
    to: str = ""
    subject: str = ""
    list_id: str = ""
    accounts: tuple[str, ...] = ()
    """Empty: all."""
    move_to: Folder | None = None
    mark_seen: bool = False
    flag: bool = False


def mark_of(kept: Rule | Contact) -> str:
    """Of all that it says: by this a page tells what it has shown."""
    return blake2b(repr(kept).encode(), digest_size=_MARK_OCTETS).hexdigest()


class ExportForm(StrEnum):
    """As what a folder leaves the library."""

    MBOX = "mbox"
    """mboxrd: what any mail program reads."""
    ZIP = "zip"
    """Of ``.eml`` files."""
    MAILDIR = "tar"
    """A Maildir, flags and all, in a tar archive."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import."""

    added: int = 0
    known: int = 0
    """Passed over: they are there already."""
    failed: tuple[tuple[str, str], ...] = ()
    """What could not be taken, and why; the first hundred."""
    failures: int = 0
    """All of them."""
    deleted: int = 0
    """Brought into Trash: the program that they come from had them marked as deleted."""
    elsewhere: tuple[tuple[Folder, int], ...] = ()
    """Of those that are there already, how many lie in which other folder."""
    within: tuple[tuple[Folder, int], ...] = ()
    """Of those that were added, how many went into which folder in the one that was named."""


@dataclass(frozen=True, slots=True)
class Emptied:
    """What came of emptying Trash."""

    removed: int
    """Messages that are gone for good."""
    left: int
    """Those that lie there and were not meant."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Of something long."""

    done: int
    total: int
    what: str = ""
    imported: Imported = field(default_factory=Imported)
    """What came of an import by then, also of one that breaks off."""
