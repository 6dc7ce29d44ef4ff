"""The nouns of the reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from hashlib import blake2b
from typing import NewType

_MARK_OCTETS = 8

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


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom one writes."""

    account: str
    address: str
    name: str = ""
    signature: str = ""
    """Text, without the line ``-- ``."""
    aliases: tuple[str, ...] = ()
    """Other addresses whose mail comes to the account: one may write as these, too."""


class Collecting(Enum):
    """What an account is doing, or why it is not."""

    NEVER = "never"
    """It has not been collected yet."""
    RUNNING = "running"
    DONE = "done"
    OFFLINE = "offline"
    """Nobody could be reached: a normal state, tried again by itself."""
    REFUSED = "refused"
    """Sign-in: the user has to do something."""
    UNSIGNED = "unsigned"
    """There is no password for it here (yet): nobody has been asked for anything."""
    INSECURE = "insecure"
    """The certificate does not convince, or is not the pinned one."""
    UNPROTECTED = "unprotected"
    """No TLS, or none as it has to be: no certificate would help."""
    CONFIRM = "confirm"
    """Its rules would now delete mail on the server that they kept before: the user has to say yes."""
    FAILED = "failed"
    """Anything else; tried again by itself, unless :attr:`Status.next_try` says no."""


@dataclass(frozen=True, slots=True)
class Status:
    """Of one account's collecting, in plain words."""

    account: str
    state: Collecting
    last_done: datetime | None = None
    """When it last went through."""
    next_try: datetime | None = None
    """None: only when the user asks for it (or it is running)."""
    problem: str = ""
    """Whole sentences: what is wrong, and what to do."""
    arrived: int = 0
    """Messages of this run, or of the last one."""
    expected: int = 0
    """Of this run, once it is known."""


class Sending(Enum):
    """What a message in the outbox waits for."""

    HELD = "held"
    """A moment, in which it can be taken back."""
    WAITING = "waiting"
    """The network, or its next try."""
    SENDING = "sending"
    """It is being handed over right now."""
    REFUSED = "refused"
    """The server does not want it: edit or discard."""
    UNCONFIRMED = "unconfirmed"
    """It was handed over, and the answer was lost. Sent again only when the user says so."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message that is ready to leave."""

    message: bytes
    """CRLF line ends; without a Bcc field."""
    account: str
    """Whose submission server takes it."""
    sender: str
    """Of the envelope, as are *recipients*."""
    recipients: tuple[str, ...]
    subject: str
    draft: str | None = None
    """The draft that it was made of."""
    answers: MessageKey | None = None
    forwards: MessageKey | None = None
    bcc: str = ""
    """The Bcc field, with CRLF: of the copy in Sent, and of nothing that leaves."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message in the outbox."""

    id: str
    account: str
    state: Sending
    subject: str
    to: tuple[str, ...]
    """Addresses of all recipients that have not got it yet."""
    since: datetime
    next_try: datetime | None = None
    problem: str = ""
    """The server's words, or what is wrong; whole sentences."""
    tries: int = 0
    draft: str | None = None
    """The draft that it was made of."""
    octets: int = 0
    unsure: tuple[str, ...] = ()
    """Those of *to* that may have got it: it was handed over for them, and the answer was lost, or it lies in a copy."""
    copied: bool = False
    """The outbox has been copied, or put back from a backup, while it waited."""
    left: bool = False
    """For all of its recipients; and what is done then could not be done yet. That is tried again by itself."""
    unfiled: bool = False
    """It is one of those, and not in Sent."""
    unreadable: bool = False
    """It has left, for some of its recipients at least, and cannot be put into Sent, as its file cannot be read."""
    discarded: bool = False
    """By the user: it is not sent, and what is left of it goes as soon as that can be done; then it is *left*, too."""
    stopped: bool = False
    """It waits, but for no network and no moment: its account cannot send until what is wrong is put right."""

    @property
    def stuck(self) -> bool:
        """It goes no further until the user does something; or it has left, and something is wrong with the disk."""
        match self.state:
            case Sending.REFUSED | Sending.UNCONFIRMED:
                return True
            case Sending.WAITING:
                return self.stopped
            case Sending.SENDING:
                return self.left
            case Sending.HELD:
                return False

    @property
    def may_have_left(self) -> bool:
        """Nobody knows, for some of its recipients, or for all; of one that is :attr:`stuck`."""
        return bool(self.unsure) or self.state is Sending.UNCONFIRMED


@dataclass(frozen=True, slots=True)
class File:
    """Something attached to a draft."""

    id: str
    name: str
    type: str
    octets: int
    content_id: str = ""
    """Without brackets: under which the quote shows it; empty: it is a file of its own."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is being written."""

    id: str
    account: str = ""
    """The identity's account; empty: the first."""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    """As typed."""
    subject: str = ""
    text: str = ""
    quote: str = ""
    """HTML that goes below the text, sanitised: what a reply to HTML answers, or a forwarded message. Empty: plain text."""
    files: tuple[File, ...] = ()
    answers: MessageKey | None = None
    """What it replies to."""
    forwards: MessageKey | None = None
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    """Message-IDs, without brackets."""
    changed: datetime | None = None
    version: int = 0
    """Grows with each save; who saves an old one is told (two tabs)."""
    unsure: tuple[str, ...] = ()
    """Addresses that may have got it: it was handed over for them before, and the answer was lost."""
    message_id: str = ""
    """Under which it was, without brackets; empty: never, or it is another text by now."""
    unquoted: bool = False
    """The quote is left out of the message. It stays in the draft: who leaves it out may think better of it."""
    sender: str = ""
    """As which address of the account one writes; empty: its own."""
    came_to: str = ""
    """The subaddress of the user's that what it answers came to; empty: none. It is offered beside the others."""

    @property
    def quoted(self) -> str:
        """What the message has of the quote: all of it, or nothing."""
        return "" if self.unquoted else self.quote


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody one may write to."""

    name: str
    address: str
    id: str = ""
    """Of one that the user has entered or imported; empty: known from mail."""


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


@dataclass(slots=True)
class Settings:
    """What the user may set of the reader as a whole."""

    trash_days: int = 30
    """Days after which mail in Trash goes for good; 0: never by itself."""
    hold_seconds: float = 10.0
    """For so long a sent message can be taken back."""
    interval_seconds: float = 300.0
    """Between two collections of an account."""
    keys: bool = True
    """Single keys (j, k, e …) do something. Who speaks to the machine switches them off (WCAG 2.2, 2.1.4)."""
