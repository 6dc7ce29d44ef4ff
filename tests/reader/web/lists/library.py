"""A library in memory: what pages of lists ask for, and no more. Search finds a word in the subject."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count as counting

from pillarbox.reader.errors import BadFolderName, NoSuchFolder, NoSuchMessage
from pillarbox.reader.model import (
    ARCHIVE,
    FIXED,
    INBOX,
    TRASH,
    Change,
    Correspondent,
    Emptied,
    Flag,
    Folder,
    FolderState,
    Hit,
    MessageKey,
    Page,
    Progress,
    Row,
    Verb,
    inbox_of,
)
from tests.reader.desk import NOW

WORK = inbox_of("work")
FIRST_MOMENT = 1_000_000
ADA = Correspondent("Ada Lovelace", "ada@example.org")
BOB = Correspondent("", "bob@example.org")


def key(number: int) -> MessageKey:
    return MessageKey(f"message-{number:014d}")


def letter(number: int, folder: Folder = WORK, **more: object) -> Row:
    """The message *number*: the higher, the later."""
    row = Row(
        key=key(number),
        folder=folder,
        subject=f"Subject {number}",
        sender=ADA,
        to=(BOB,),
        date=NOW - timedelta(days=400) + timedelta(minutes=number),
        opening=f"Opening of {number}",
        octets=1000,
        thread=number,
    )
    return replace(row, **more)  # type: ignore[arg-type]


class MemoryLibrary:
    """Implements what of :class:`pillarbox.reader.contracts.Library` lists need."""

    reading_in: Progress | None = None

    def __init__(self, rows: Iterable[Row] = (), folders: Collection[str] = ()) -> None:
        self.rows = {row.key: row for row in rows}
        self.own = [Folder(name) for name in folders]
        self.changes: dict[str, dict[MessageKey, Row]] = {}
        self.numbers = counting()
        self.places: dict[MessageKey, Hit] = {}
        self.past: list[dict[MessageKey, Row]] = []

    def folders(self) -> Sequence[FolderState]:
        return [
            self._state(WORK, "work"),
            *(self._state(folder) for folder in (*FIXED, *self.own)),
        ]

    def page(self, folder: Folder, first: int, count: int) -> Page:
        if folder not in {INBOX, WORK, *FIXED, *self.own}:
            raise NoSuchFolder(f"There is no folder {folder}. Choose another in the list.")
        heads: dict[int, Row] = {}
        for row in self._latest(
            lambda row: row.folder == folder or (folder == INBOX and row.folder == WORK)
        ):
            before = heads.get(row.thread)
            if before is None:
                heads[row.thread] = replace(row, unseen_in_thread=int(not row.seen))
            else:
                unseen = before.unseen_in_thread + int(not row.seen)
                heads[row.thread] = replace(
                    before, in_thread=before.in_thread + 1, unseen_in_thread=unseen
                )
        rows = list(heads.values())
        return Page(rows[first : first + count], first, len(rows))

    def search(self, query: str, first: int, count: int, *, within: Folder | None = None) -> Page:
        word = query.casefold()
        hits = self._latest(
            lambda row: (
                word in row.subject.casefold()
                and (row.folder == within if within else row.folder != TRASH)
            )
        )
        return Page(hits[first : first + count], first, len(hits), words=(word,))

    def hits(self, query: str, keys: Collection[MessageKey]) -> dict[MessageKey, Hit]:
        """Those that a test has said."""
        del query
        return {key: self.places[key] for key in keys if key in self.places}

    @property
    def moment(self) -> int:
        self.past.append(dict(self.rows))
        return FIRST_MOMENT + len(self.past) - 1

    def since(self, moment: int, query: str = "") -> dict[MessageKey, Folder | None] | None:
        del query
        if not 0 <= moment - FIRST_MOMENT < len(self.past):
            return None
        then = self.past[moment - FIRST_MOMENT]
        changed = (one for one, row in self.rows.items() if then.get(one) != row)
        return {one: then[one].folder if one in then else None for one in changed}

    def find(self, message: MessageKey) -> Row:
        if message not in self.rows:
            raise NoSuchMessage("It is not there any more.")
        return self.rows[message]

    def read(self, message: MessageKey) -> bytes:
        row = self.find(message)
        return f"From: {row.sender.address}\nSubject: {row.subject}\n\n{row.opening}\n".encode()

    def thread(self, message: MessageKey) -> Sequence[Row]:
        number = self.find(message).thread
        return list(reversed(self._latest(lambda row: row.thread == number)))

    def move(self, keys: Collection[MessageKey], to: Folder) -> Change:
        if to not in {WORK, *FIXED, *self.own}:
            raise NoSuchFolder(f"There is no folder {to}.")
        return self._change(Verb.MOVED, keys, to)

    def archive(self, keys: Collection[MessageKey]) -> Change:
        return self._change(Verb.ARCHIVED, keys, ARCHIVE)

    def delete(self, keys: Collection[MessageKey]) -> Change:
        return self._change(Verb.DELETED, keys, TRASH)

    def mark(self, keys: Collection[MessageKey], flag: Flag, *, on: bool = True) -> Change:
        touched = {each: self.rows[each] for each in keys if (flag in self.rows[each].flags) != on}
        for each, row in touched.items():
            self.rows[each] = replace(row, flags=row.flags | {flag} if on else row.flags - {flag})
        return self._kept(Change("", Verb.MARKED, tuple(touched), None, flag, on), touched)

    def undo(self, change_id: str) -> Change | None:
        before = self.changes.pop(change_id, None)
        if before is None:
            return None
        self.rows.update(before)
        return Change("undone", Verb.MOVED, tuple(before))

    def erase(self, keys: Collection[MessageKey]) -> int:
        gone = [each for each in keys if self.rows[each].folder == TRASH]
        for each in gone:
            del self.rows[each]
        return len(gone)

    def empty_trash(self, moment: int) -> Emptied | None:
        since = self.since(moment)
        if since is None:
            return None
        there = [each for each, row in self.rows.items() if row.folder == TRASH]
        meant = [each for each in there if since.get(each, TRASH) == TRASH]
        return Emptied(self.erase(meant), len(there) - len(meant))

    def make_folder(self, path: str) -> Folder:
        if path in self.own or "\0" in path:
            raise BadFolderName("There is a folder of this name. Choose another.")
        self.own.append(Folder(path))
        return Folder(path)

    def _latest(self, fits) -> list[Row]:  # type: ignore[no-untyped-def]
        return sorted(filter(fits, self.rows.values()), key=lambda row: row.date, reverse=True)

    def _state(self, folder: Folder, account: str | None = None) -> FolderState:
        here = [row for row in self.rows.values() if row.folder == folder]
        title = folder.split("/")[-1]
        return FolderState(folder, title, len(here), sum(not row.seen for row in here), account)

    def _change(self, verb: Verb, keys: Collection[MessageKey], to: Folder) -> Change:
        touched = {each: self.rows[each] for each in keys if self.rows[each].folder != to}
        for each, row in touched.items():
            self.rows[each] = replace(row, folder=to)
        return self._kept(Change("", verb, tuple(touched), to), touched)

    def _kept(self, change: Change, before: dict[MessageKey, Row]) -> Change:
        number = f"change-{next(self.numbers)}"
        self.changes[number] = before
        return replace(change, id=number)
