"""What the parts of the reader promise each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pillarbox.fetch.account import Account
from pillarbox.reader.mail.summary import Summary
from pillarbox.reader.model import (
    Change,
    Contact,
    Draft,
    Emptied,
    Entry,
    ExportForm,
    File,
    Flag,
    Folder,
    FolderState,
    Identity,
    Imported,
    MessageKey,
    Outgoing,
    Page,
    Parcel,
    Progress,
    Row,
    Rule,
    Status,
)
from pillarbox.reader.submission import Submission

Report = Callable[[Progress], None]
"""Told of progress, in the thread that works; quick."""


class Library(Protocol):
    """Mail on disk, and what is known of it. Blocking; from any thread.

    Every change is durable when its method returns, and told as news. A message that is gone meanwhile is passed
    over by methods that take many, and raises :class:`.errors.NoSuchMessage` in those that take one.
    """

    # Looking.

    def folders(self) -> Sequence[FolderState]:
        """Inboxes first, then Sent, Archive, Trash, then the user's own by name."""
        ...

    @property
    def reading_in(self) -> Progress | None:
        """The mail is being read in for the first time, so far: until it is done, lists and searches do not have all of
        it. Each step is news. None: they do.
        """
        ...

    @property
    def trash_problem(self) -> str:
        """Why Trash is not emptied by itself, and what to do; whole sentences. Empty: it is, if the settings say so."""
        ...

    def page(self, folder: Folder, first: int, count: int) -> Page:
        """Threads of *folder*, latest first; of :data:`.model.INBOX`: of all inboxes.

        Raises:
            NoSuchFolder: there is none.
        """
        ...

    def search(self, query: str, first: int, count: int, *, within: Folder | None = None) -> Page:
        """Messages that *query* finds, latest first, in all folders but Trash (unless it, or *within*, says
        so). Never fails for what is typed: what cannot be understood is searched for as words.
        """
        ...

    @property
    def moment(self) -> int:
        """Now, for :meth:`since`; more than 1. To be asked before the list that it is about."""
        ...

    def since(self, moment: int, query: str = "") -> Mapping[MessageKey, Folder | None] | None:
        """Messages that have come, been moved or marked since *moment*, each with the folder in which it was then; None:
        it was in none, or had not the marks that *query* asks for. None altogether: *moment* is forgotten, as very much
        has happened since, or was one of another run. To be asked after the list that it is about: of what comes in
        between, that would not be said which the list has.
        """
        ...

    def find(self, key: MessageKey) -> Row:
        """What a list shows of one message."""
        ...

    def thread(self, key: MessageKey) -> Sequence[Row]:
        """All messages of its thread, the oldest first, without those in Trash (unless it is there itself)."""
        ...

    def read(self, key: MessageKey) -> bytes:
        """The message, with LF line ends, as it is on disk."""
        ...

    def with_message_id(self, message_id: str) -> Sequence[Row]:
        """Messages with that Message-ID (without brackets)."""
        ...

    def correspondents(self, beginning: str, count: int) -> Sequence[Contact]:
        """Addresses in mail whose name or address has a word that begins so; those the user has written to
        first, and often, before others.
        """
        ...

    # Changing.

    def move(self, keys: Collection[MessageKey], to: Folder) -> Change: ...

    def archive(self, keys: Collection[MessageKey]) -> Change:
        """Move to Archive."""
        ...

    def delete(self, keys: Collection[MessageKey]) -> Change:
        """Move to Trash; what is in Trash stays."""
        ...

    def mark(self, keys: Collection[MessageKey], flag: Flag, *, on: bool = True) -> Change: ...

    def undo(self, change_id: str) -> Change | None:
        """Take back what was done: each message goes back to where it was, with the flags that it has now, unless it has
        been moved since; what was marked is as it was, unless it has been marked otherwise since. None: it cannot be any
        more (too long ago, or before the reader was started), or not for a single message.
        """
        ...

    def erase(self, keys: Collection[MessageKey]) -> int:
        """Remove for good those that are in Trash; how many. There is no undo."""
        ...

    def empty_trash(self, moment: int) -> Emptied | None:
        """Remove for good what lists had in Trash at *moment*, and still have there. What came since stays, and so does what
        only the disk knows of yet. None: nothing is removed, as *moment* is forgotten (see :meth:`since`).
        """
        ...

    def add(
        self,
        folder: Folder,
        message: bytes,
        flags: Collection[Flag] = (),
        *,
        base: str | None = None,
    ) -> MessageKey:
        """Put a message into *folder* (CRLF or LF). *base*: the base name of its file, made by
        :func:`pillarbox.reader.library.names.new_base`; if there is a message of that name anywhere, nothing
        is done: so this can be said again after a crash.
        """
        ...

    # Folders.

    def make_folder(self, path: str) -> Folder:
        """Raises :class:`.errors.BadFolderName`."""
        ...

    def rename_folder(self, folder: Folder, path: str) -> Folder:
        """With all folders in it. Raises :class:`.errors.BadFolderName`, :class:`.errors.NoSuchFolder`."""
        ...

    def remove_folder(self, folder: Folder) -> Change:
        """Its messages, and those of folders in it, go to Trash. Raises the same."""
        ...

    def folder_of(self, account: str) -> Path:
        """The Maildir into which the mail of *account* is to be collected; made if need be."""
        ...

    # Keeping up with the disk.

    def look(self, folders: Iterable[Folder] | None = None) -> int:
        """Take note of what has changed on disk in *folders* (None: everywhere): mail that came, and what other programs
        have done; how many are new. Rules are applied to new mail in inboxes.
        """
        ...

    def reindex(self, report: Report) -> None:
        """Make the index anew."""
        ...


class Filing(Protocol):
    """Much mail at once: in and out of the library, and rules on what is there. Blocking; from any thread.

    Who implements :class:`Library` implements this, too.
    """

    def apply(self, rule: Rule, folder: Folder) -> Change:
        """Do what *rule* says to all messages of *folder* that it fits, of whatever account; in
        :data:`.model.INBOX`: in the inboxes of its accounts.

        Raises:
            NoSuchFolder: *folder*, or the rule's, does not exist.
        """
        ...

    def bring_in(self, source: Path, into: Folder, report: Report) -> Imported:
        """Add the messages of an mbox, an ``.eml`` file, a Maildir, or a folder of ``.eml`` files to *into*. Those
        that are there already are passed over, so that this can be said again; those that lie in Trash are fetched from
        there. What was deleted in another program goes to Trash. Progress is in octets, or messages; whatever breaks
        it off, the last report has said what was added.

        Raises:
            NoSuchFolder: there is no *into*.
            NotImportable: *source* is none of these, or cannot be read; what was added stays. It says ``PATH: why.``
        """
        ...

    def export(self, folder: Folder, form: ExportForm) -> Iterator[bytes]:
        """All messages of *folder* as one file, in pieces.

        Raises:
            NoSuchFolder: at once, not while iterating.
        """
        ...


class Index(Protocol):
    """What is known of all messages: lists, threads, words. Derived: knows nothing that the files do not tell.

    Blocking; from any thread. Changes of one call are one transaction.
    """

    def put(self, arrivals: Iterable[tuple[Entry, Summary, float]]) -> Sequence[MessageKey]:
        """Messages that are not there yet, and when each arrived (POSIX time)."""
        ...

    def drop(self, keys: Collection[MessageKey]) -> None:
        """They are not there any more."""
        ...

    def place(self, moved: Iterable[tuple[MessageKey, Entry]]) -> None:
        """Where messages are now, and with which flags."""
        ...

    def folder_renamed(self, old: Folder, new: Folder) -> None:
        """Of one folder, not of those in it."""
        ...

    def entries(self, folder: Folder) -> dict[str, tuple[MessageKey, Entry]]:
        """What is known of *folder*, by base name."""
        ...

    def entry(self, key: MessageKey) -> Entry | None: ...

    def key_of(self, base: str) -> MessageKey | None:
        """Of a message with that base name, in whatever folder."""
        ...

    def counts(self) -> dict[Folder, tuple[int, int]]:
        """Messages, and unseen ones, of each folder that has any."""
        ...

    def page(self, folders: Collection[Folder], first: int, count: int) -> Page: ...

    def search(self, query: str, first: int, count: int, *, within: Collection[Folder]) -> Page:
        """*within* empty: everywhere but Trash."""
        ...

    @property
    def moment(self) -> int:
        """As :attr:`Library.moment`."""
        ...

    def since(self, moment: int, query: str = "") -> Mapping[MessageKey, Folder | None] | None:
        """As :meth:`Library.since`."""
        ...

    def find(self, key: MessageKey) -> Row | None: ...

    def thread(self, key: MessageKey) -> Sequence[Row]: ...

    def with_message_id(self, message_id: str) -> Sequence[Row]: ...

    def correspondents(self, beginning: str, count: int) -> Sequence[Contact]: ...


class Rules(Protocol):
    """What the user wants done with mail that comes in. Blocking; from any thread."""

    def all(self) -> Sequence[Rule]:
        """In the order in which they are tried: the first that fits is the only one."""
        ...

    def change(self, edit: Callable[[Sequence[Rule]], Sequence[Rule]]) -> None:
        """Let them be what *edit* makes of them; nobody else changes them meanwhile. What it raises is raised, and they are
        as they were.
        """
        ...

    @property
    def problem(self) -> str:
        """What was wrong with them when the reader was started, in sentences; empty: nothing."""
        ...

    def first_that_fits(self, account: str, summary: Summary) -> Rule | None: ...


class Drafts(Protocol):
    """What is being written. Blocking; from any thread; durable when a method returns."""

    def all(self) -> Sequence[Draft]:
        """Those that are not in the outbox, and in which somebody has typed; latest first."""
        ...

    @property
    def problem(self) -> str:
        """Why none can be read or begun, and what to do; whole sentences. Empty: they can."""
        ...

    def damaged(self) -> Sequence[Path]:
        """Folders of those that could not be read; they are left alone. A disk may be failing."""
        ...

    def find(self, draft_id: str) -> Draft:
        """Raises :class:`.errors.NoSuchDraft`."""
        ...

    def new(self, draft: Draft) -> Draft:
        """Keep a new one; its id and version are given here."""
        ...

    def save(self, draft: Draft) -> Draft:
        """All but the files.

        Raises:
            DraftChanged: *draft.version* is not the last one.
            LibraryUnusable: there is no room; or the outbox cannot be read, and may have it.
        """
        ...

    def attach(
        self,
        draft_id: str,
        name: str,
        media_type: str,
        pieces: Iterable[bytes],
        *,
        content_id: str = "",
    ) -> File:
        """*content_id*: under which the quote shows it. Raises :class:`.errors.NotSendable` when it gets too large."""
        ...

    def detach(self, draft_id: str, file_id: str) -> None: ...

    def path(self, draft_id: str, file_id: str) -> Path:
        """The file's content."""
        ...

    def discard(self, draft_id: str) -> None:
        """It, and its files, are gone (also when they were before). For some days they can be brought back, unless
        the outbox has the message: it says so that it has left.

        Raises:
            LibraryUnusable: it may be there still, and cannot be removed, or must not be.
        """
        ...

    def restore(self, draft_id: str) -> Draft:
        """Undo :meth:`discard`. Raises :class:`.errors.NoSuchDraft`: it was too long ago."""
        ...


class Contacts(Protocol):
    """Whom the user has entered or imported. Blocking; from any thread."""

    @property
    def problem(self) -> str:
        """Why they cannot be read or changed, and what to do; whole sentences. Empty: they can."""
        ...

    def all(self) -> Sequence[Contact]: ...

    def save(self, contact: Contact, *, seen: str = "") -> Contact:
        """A new one (without an id), or a changed one. *seen*: the mark of what its user has seen.

        Raises:
            ChangedElsewhere: it is another one by now, or gone.
        """
        ...

    def remove(self, contact_id: str, *, seen: str = "") -> None:
        """Raises :class:`.errors.ChangedElsewhere`: it is another one than *seen* by now."""
        ...

    def import_vcards(self, data: bytes) -> int:
        """How many were taken in; those that were there already are not.

        Raises:
            NotSendable: *data* is no vCard file, or too large.
        """
        ...

    def complete(self, typed: str, count: int) -> Sequence[Contact]:
        """Whom *typed*, the last of the recipients in a field, may become: these first, then correspondents."""
        ...


class Writing(Protocol):
    """Making messages of drafts, and drafts of messages. Blocking; from any thread."""

    def reply(self, key: MessageKey, *, to_all: bool = False) -> Draft:
        """A new draft (kept) that answers a message, by the identity it was for."""
        ...

    def new(self, draft: Draft) -> Draft:
        """A new draft (kept) that begins with what *draft* holds, and the signature of its identity."""
        ...

    def forward(self, key: MessageKey, *, attached: bool = False) -> Draft:
        """A new draft (kept) with the message as a quote, and its files; *attached*: with the message as a file."""
        ...

    def again(self, key: MessageKey) -> Draft:
        """A new draft (kept) that is as the message was: its recipients, text (plain) and files, by whoever wrote it."""
        ...

    def save(self, draft: Draft) -> Draft:
        """As :meth:`Drafts.save`; under another account than before, its signature is replaced by that one's."""
        ...

    def doubts(self, draft_id: str) -> Sequence[str]:
        """What the user may have forgotten, each a question: to be asked before :meth:`send`. Raises what that does
        about recipients.
        """
        ...

    def send(self, draft_id: str) -> str:
        """Put the message into the outbox: its id there. The draft is not listed from then on, and goes when
        the message has left. Raises :class:`.errors.NotSendable` (:class:`.errors.WrongFields`),
        :class:`.errors.NoSuchDraft`.
        """
        ...

    def take_back(self, outgoing_id: str) -> Draft:
        """Out of the outbox, back to a draft. Raises :class:`.errors.TooLate`."""
        ...


class Outbox(Protocol):
    """Messages that wait to be handed over. Blocking, but for :meth:`run`; from any thread.

    Promise: a message is sent at least once unless it is taken back or discarded, and never twice
    without the user's word; whatever crashes. A recipient that a server has taken is not sent to again.
    """

    def put(self, parcel: Parcel, *, hold_seconds: float) -> str:
        """Keep a message; its id. Durable when this returns.

        When it has left, a copy goes to Sent, and what it answers or forwards is marked so.
        """
        ...

    def all(self) -> Sequence[Outgoing]:
        """In the order in which they came."""
        ...

    def damaged(self) -> Sequence[Path]:
        """Files of messages of which it is not known any more whom they are for, or whether they have left: the message, if
        it is there, and what was noted. They are not sent, and stay until the user removes them.
        """
        ...

    @property
    def problem(self) -> str:
        """Why nothing of it can be read, and what to do; whole sentences. Empty: it can."""
        ...

    def find(self, outgoing_id: str) -> Outgoing | None: ...

    def read(self, outgoing_id: str) -> bytes:
        """The message. Raises :class:`.errors.TooLate`: it is not there any more."""
        ...

    def drafts(self) -> frozenset[str]:
        """Ids of drafts whose messages are here, or have left and the drafts are still to be removed."""
        ...

    def take_out(self, outgoing_id: str) -> None:
        """It is not to be sent.

        Raises:
            TooLate: it has left, or is leaving.
            LibraryUnusable: some have got it, and a copy for Sent cannot be had just now. (Of one that is lost there is none.)
        """
        ...

    def send_again(self, outgoing_id: str) -> None:
        """The user says so: of one that waits (now), was refused, or is not confirmed."""
        ...

    def nudge(self, account: str | None = None) -> None:
        """The network may be back: try all that wait, now."""
        ...

    async def run(self) -> None:
        """Send, until cancelled. A hand-over under way is finished first, for a few seconds."""
        ...


class Collector(Protocol):
    """The accounts' mail comes in. On the event loop."""

    def statuses(self) -> Sequence[Status]: ...

    def collect(self, account: str | None = None) -> None:
        """Now: this one, or all; those that run already are left alone."""
        ...

    def confirm(self, account: str) -> None:
        """The user says yes to what :attr:`.model.Collecting.CONFIRM` asks; collects now."""
        ...

    def refresh(self) -> None:
        """Accounts have come, gone or changed."""
        ...

    def resting(self, account: str) -> AbstractAsyncContextManager[None]:
        """Nobody collects *account* meanwhile; then it begins anew, as its settings are then. Waits for another rest to end."""
        ...

    async def run(self) -> None:
        """Collect on a schedule, until cancelled."""
        ...


class Accounts(Protocol):
    """Which accounts there are. Given from outside: the reader reads no configuration. Blocking; from any
    thread, but for what is ``async``.
    """

    def names(self) -> Sequence[str]: ...

    def identity(self, account: str) -> Identity: ...

    def problem(self, account: str) -> str:
        """What is wrong with its settings, in sentences; empty: nothing."""
        ...

    def troubles(self) -> Sequence[str]:
        """What is wrong elsewhere, one sentence each: an account of a name that none can have is not among :meth:`names`."""
        ...

    def to_collect(self, account: str, into: Path) -> Account:
        """The account as the collector takes it, its target being the Maildir *into*. May run programs and ask the
        keyring. Raises :class:`pillarbox.contracts.errors.PillarboxError`.
        """
        ...

    def to_submit(self, account: str) -> Submission:
        """Where its mail leaves. Raises :class:`.errors.NotSendable` if it cannot."""
        ...

    @property
    def state(self) -> Path:
        """The folder of the collector's journals: that of ``pillarbox fetch``, so that both know the same."""
        ...

    @property
    def kept(self) -> Sequence[Path]:
        """Where the accounts and their passwords are: what a backup has to have, too. Passwords in a keyring are not among it."""
        ...


Clock = Callable[[], datetime]
"""Now; aware."""
