"""What the library of mail promises: to who reads, who files, and who makes rules; and its index."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pillarbox.reader.mail.summary import Summary
from pillarbox.reader.model import (
    Change,
    Contact,
    Emptied,
    Entry,
    ExportForm,
    Flag,
    Folder,
    FolderState,
    Hit,
    Imported,
    MessageKey,
    Page,
    Progress,
    Row,
    Rule,
)

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

    def hits(self, query: str, keys: Collection[MessageKey]) -> Mapping[MessageKey, Hit]:
        """Where *query* has found each of these, as far as a row would not show it; for the few rows that are shown."""
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
        """Add the messages of an mbox, an ``.eml`` file, a Maildir, or a folder of these to *into*: what has a name in the
        folder goes to a folder of that name in *into*; the library itself is passed over. Those
        that are there already are passed over, so that this can be said again; those that lie in Trash are fetched from
        there. What was deleted in another program goes to Trash. Progress is in octets, or messages; whatever breaks
        it off, the last report has said what was added.

        Raises:
            NoSuchFolder: there is no *into*.
            NotImportable: *source* is none of these, is in the library, or cannot be read; what was added stays. Or it has
                folders in it, and *into* holds none. It says ``PATH: why.``, as :func:`.sentences.shown` has it.
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

    def hits(self, query: str, keys: Collection[MessageKey]) -> Mapping[MessageKey, Hit]:
        """As :meth:`Library.hits`."""
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

    def remove(self, rule_id: str, *, seen: str = "") -> None:
        """One that is gone already is no trouble. *seen*: the mark of what its user has seen.

        Raises:
            ChangedElsewhere: it is another one by now.
        """
        ...

    def removed(self, rule_id: str) -> Rule | None:
        """What :meth:`restore` brings back; None: nothing."""
        ...

    def restore(self, rule_id: str) -> None:
        """Undo :meth:`remove`: it is before those rules again that it was before. One that is there is no trouble.

        Raises:
            TooLate: it was too long ago, or before the reader was started.
        """
        ...

    @property
    def problem(self) -> str:
        """What was wrong with them when the reader was started, in sentences; empty: nothing."""
        ...

    def first_that_fits(self, account: str, summary: Summary) -> Rule | None: ...
