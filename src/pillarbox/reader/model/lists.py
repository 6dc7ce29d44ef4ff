"""What a list shows: of a folder, of all inboxes, of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pillarbox.reader.model.mail import Correspondent, Flag, Folder, MessageKey


@dataclass(frozen=True, slots=True)
class Row:
    """A message in a list."""

    key: MessageKey
    folder: Folder
    subject: str
    sender: Correspondent
    to: tuple[Correspondent, ...]
    """The first few."""
    date: datetime
    """Of the message, if it can be believed, else of its arrival; aware."""
    opening: str
    """The first words of its text."""
    octets: int
    flags: frozenset[Flag] = frozenset()
    attachments: bool = False
    thread: int = 0
    """Messages of one number belong together. Not kept over a reindexing."""
    in_thread: int = 1
    """Messages of its thread in this folder: a list of a folder shows a thread once, as its latest message. Of all inboxes:
    without those that lie in another one, too (:mod:`.copies`).
    """
    unseen_in_thread: int = 0
    """Also of copies."""
    message_id: int = 0
    """A number made of its Message-ID, which copies have in common. 0: it has none."""

    @property
    def seen(self) -> bool:
        return Flag.SEEN in self.flags


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, latest first."""

    rows: Sequence[Row]
    first: int
    """The place of the first row in the whole list, from 0."""
    total: int
    """Rows of the whole list. For a search: at least so many (see *more*)."""
    more: bool = False
    """There are more than *total*; nobody has counted them."""
    words: tuple[str, ...] = ()
    """What to highlight: what was searched for, folded."""


class Where(Enum):
    """In what, beside its text and what a row shows of it, a search may find a message; as the row calls it."""

    SUBJECT = "Subject"
    """A long one: behind the part of it that there is room for."""
    SENDER = "From"
    RECIPIENT = "To"
    FILE = "File"


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a search has found a message, as far as its row would not show it."""

    pieces: tuple[str, ...] = ()
    """Of its text, in one line, with … where it is cut; to be shown instead of the opening. Empty: that shows it as well."""
    elsewhere: tuple[tuple[Where, str], ...] = ()
    """For what is in no part of the row: a person, the name of a file."""


@dataclass(frozen=True, slots=True)
class FolderState:
    """A folder in the sidebar."""

    folder: Folder
    title: str
    """The last part of its path."""
    total: int = 0
    """Messages."""
    unseen: int = 0
    account: str | None = None
    """Whose inbox it is, or was: there may be no such account any more."""
    own: bool = False
    """The user may rename and remove it."""
