"""The library as pages and services have it: one object over folders, index, rules and Trash."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from pillarbox.reader.contracts import Report
from pillarbox.reader.errors import BadFolderName, NoSuchFolder, NoSuchMessage
from pillarbox.reader.library import moving
from pillarbox.reader.library.arrivals import Arrival
from pillarbox.reader.library.exporting import export
from pillarbox.reader.library.first import FirstReading
from pillarbox.reader.library.fixed import is_account_name, make_again
from pillarbox.reader.library.importing import bring_in
from pillarbox.reader.library.names import key_of
from pillarbox.reader.library.shelf import Shelf
from pillarbox.reader.library.sidebar import account_of, states
from pillarbox.reader.library.sorting import sort_new
from pillarbox.reader.library.trouble import usable
from pillarbox.reader.model import (
    ARCHIVE,
    INBOX,
    TRASH,
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
    Settings,
    Verb,
    inbox_of,
)
from pillarbox.reader.news import MailChanged


class Looked(NamedTuple):
    """What a look at the disk has found."""

    arrived: int
    """Messages that were not known."""
    changed: frozenset[Folder]


class Survey(Protocol):
    """The disk against the index. Whoever calls *look* keeps others from changing either meanwhile."""

    @property
    def knows_nothing(self) -> bool:
        """The index is new: nothing has been read in yet."""
        ...

    def look(self, folders: Collection[Folder]) -> Looked:
        """Take note of what is in *folders*, some of which may have been removed."""
        ...

    def reindex(self, report: Report) -> None:
        """Make the index anew, beside the old one, and put it in its place."""
        ...


class MailLibrary:
    """A :class:`~pillarbox.reader.contracts.Library` and :class:`~pillarbox.reader.contracts.Filing`."""

    def __init__(
        self, shelf: Shelf, survey: Survey, settings: Settings, close: Callable[[], None]
    ) -> None:
        self._shelf = shelf
        self._index = shelf.index
        self._survey = survey
        self._settings = settings
        self._first = FirstReading(lambda: shelf.news.tell(MailChanged(frozenset())))
        self.rules = shelf.rules
        """The user's, for the desk."""
        self.close = close
        """Let go of the library, so that another reader may have it."""

    # Looking.

    def folders(self) -> Sequence[FolderState]:
        shelf = self._shelf
        return states(shelf.tree.folders(), self._index.counts(), shelf.accounts())

    @property
    def reading_in(self) -> Progress | None:
        return self._first.progress

    @property
    def trash_problem(self) -> str:
        return self._shelf.trash.problem

    def page(self, folder: Folder, first: int, count: int) -> Page:
        if folder == INBOX:
            return self._index.page(self._inboxes(), first, count)
        self._shelf.tree.directory(folder)
        return self._index.page([folder], first, count)

    def search(self, query: str, first: int, count: int, *, within: Folder | None = None) -> Page:
        return self._index.search(query, first, count, within=self._within(within))

    def hits(self, query: str, keys: Collection[MessageKey]) -> Mapping[MessageKey, Hit]:
        return self._index.hits(query, keys)

    @property
    def moment(self) -> int:
        return self._index.moment

    def since(self, moment: int, query: str = "") -> Mapping[MessageKey, Folder | None] | None:
        return self._index.since(moment, query)

    def find(self, key: MessageKey) -> Row:
        row = self._index.find(key)
        if row is None:
            raise NoSuchMessage("This message is not there any more: it has been removed.")
        return row

    def thread(self, key: MessageKey) -> Sequence[Row]:
        rows = self._index.thread(key)
        own = next((row.folder for row in rows if row.key == key), None)
        return [row for row in rows if row.folder != TRASH or own == TRASH]

    def read(self, key: MessageKey) -> bytes:
        return self._shelf.maildirs.read(self._shelf.entry(key))

    def with_message_id(self, message_id: str) -> Sequence[Row]:
        return self._index.with_message_id(message_id)

    def correspondents(self, beginning: str, count: int) -> Sequence[Contact]:
        return self._index.correspondents(beginning, count)

    # Changing.

    def move(self, keys: Collection[MessageKey], to: Folder) -> Change:
        return moving.move(self._shelf, keys, to, Verb.MOVED)

    def archive(self, keys: Collection[MessageKey]) -> Change:
        return moving.move(self._shelf, keys, ARCHIVE, Verb.ARCHIVED)

    def delete(self, keys: Collection[MessageKey]) -> Change:
        return moving.move(self._shelf, keys, TRASH, Verb.DELETED)

    def mark(self, keys: Collection[MessageKey], flag: Flag, *, on: bool = True) -> Change:
        return moving.mark(self._shelf, keys, flag, on=on)

    def undo(self, change_id: str) -> Change | None:
        return moving.undo(self._shelf, change_id)

    def erase(self, keys: Collection[MessageKey]) -> int:
        return self._shelf.erase(self._shelf.entries(keys))

    def empty_trash(self, moment: int) -> Emptied | None:
        shelf = self._shelf
        with shelf.changing:
            # Before what has changed: a new index may be put in place at any time, and then no moment is known.
            known = self._index.entries(TRASH).values()
            since = self._index.since(moment)
            if since is None:
                return None
            meant = {key: entry for key, entry in known if since.get(key, TRASH) == TRASH}
            there = shelf.maildirs.scan(TRASH)
            left = sum(key_of(entry.base) not in meant for entry in there)
        return Emptied(shelf.erase(list(meant.values())), left)

    def add(
        self,
        folder: Folder,
        message: bytes,
        flags: Collection[Flag] = (),
        *,
        base: str | None = None,
    ) -> MessageKey:
        shelf = self._shelf
        with shelf.changing:
            if base is not None and (there := self._of_name(folder, base)):
                if self._index.entry(key_of(base)) is None:
                    shelf.put([(there, shelf.now())])
                return key_of(base)
            arrival = Arrival(message, frozenset(flags), base)
            (entry,) = shelf.maildirs.add(folder, [arrival])
            shelf.put([(entry, shelf.now())])
        shelf.tell([folder], arrived=1)
        return key_of(entry.base)

    # Folders.

    def make_folder(self, path: str) -> Folder:
        return moving.make_folder(self._shelf, path)

    def rename_folder(self, folder: Folder, path: str) -> Folder:
        return moving.rename_folder(self._shelf, folder, path)

    def remove_folder(self, folder: Folder) -> Change:
        return moving.remove_folder(self._shelf, folder)

    def folder_of(self, account: str) -> Path:
        if not is_account_name(account):
            raise BadFolderName(f"An account cannot be called {account!r}. Choose another name.")
        with usable(self._shelf.tree.root):
            return self._shelf.tree.make(inbox_of(account))

    # Much at once.

    def apply(self, rule: Rule, folder: Folder) -> Change:
        return moving.apply(self._shelf, rule, folder)

    def bring_in(self, source: Path, into: Folder, report: Report) -> Imported:
        return bring_in(self._shelf, source, into, report)

    def export(self, folder: Folder, form: ExportForm) -> Iterator[bytes]:
        return export(self._shelf.maildirs, folder, form)

    # Keeping up with the disk.

    def look(self, folders: Iterable[Folder] | None = None) -> int:
        shelf = self._shelf
        with shelf.changing:
            with usable(shelf.tree.root):
                again = make_again(shelf.tree, shelf.accounts() or ())
            there = set(shelf.tree.folders())
            wanted = there | self._index.counts().keys() if folders is None else set(folders)
            sorted_into = sort_new(shelf, [each for each in wanted & there if account_of(each)])
            looked = self._survey.look(wanted | sorted_into)
        shelf.tell(looked.changed.union(again), looked.arrived)
        return looked.arrived

    def reindex(self, report: Report) -> None:
        if not self._survey.knows_nothing:
            self._survey.reindex(report)
        else:
            with self._first.going_on(report) as noted:
                self._survey.reindex(noted)
        self.look()
        self._shelf.tell(self._shelf.tree.folders())

    def tidy(self) -> None:
        """What is to be done once at the start, and each hour: what has been in Trash for long enough goes,
        and so do halves of messages that writers have left which died.

        Raises:
            LibraryUnusable: the disk refuses.
        """
        shelf = self._shelf
        days = self._settings.trash_days
        with shelf.changing:
            entries = list(shelf.maildirs.scan(TRASH))
            expired = shelf.trash.expired((each.base for each in entries), days, shelf.now())
            if days > 0:
                shelf.erase([entry for entry in entries if entry.base in expired])
        shelf.maildirs.sweep()

    def _inboxes(self) -> list[Folder]:
        return [folder for folder in self._shelf.tree.folders() if account_of(folder)]

    def _within(self, folder: Folder | None) -> Collection[Folder]:
        """Raises NoSuchFolder."""
        if folder is None:
            return ()
        found = self._shelf.tree.below(folder)
        if not found and folder != INBOX:
            raise NoSuchFolder(f"There is no folder {folder} any more.")
        return found or [INBOX]

    def _of_name(self, folder: Folder, base: str) -> Entry | None:
        """The message of that base name, wherever it is on disk."""
        known = self._index.entry(key_of(base)) or Entry(folder, base)
        try:
            return self._shelf.maildirs.locate(known)
        except NoSuchMessage:
            return None
