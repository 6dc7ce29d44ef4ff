"""The index: :class:`pillarbox.reader.contracts.Index` on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pillarbox.reader.contracts import Clock
from pillarbox.reader.library.index import lists, matching, people
from pillarbox.reader.library.index.arrival import (
    Arrival,
    arrival,
    flags_of,
    name_of,
    number_of,
    octets_of,
)
from pillarbox.reader.library.index.file import Database
from pillarbox.reader.library.index.finding import Finder
from pillarbox.reader.library.index.hits import hits
from pillarbox.reader.library.index.past import Past
from pillarbox.reader.library.index.query import Is, parse
from pillarbox.reader.library.index.schema import INBOXES
from pillarbox.reader.library.index.writing import Writing
from pillarbox.reader.mail.summary import Summary
from pillarbox.reader.model import TRASH, Contact, Entry, Folder, Hit, MessageKey, Page, Row

COUNTED = 1000
"""Hits that a search counts behind its page; with more, nobody needs to know exactly."""
_WORN = 4
"""Of so many rows of full text one may be of a message that is gone, before the index should be made anew."""
_WORN_LEAST = 1000
"""Fewer of these are no burden."""

_PLACE = "f.name, p.base, m.flags, p.new, p.extra"
_PLACED = "messages m JOIN files p USING (id) JOIN folders f ON f.id = m.folder"


class SqliteIndex:
    """What is known of all messages, in the file at *path*. Blocking; from any thread.

    All methods raise :class:`pillarbox.reader.errors.LibraryUnusable` when the file cannot be read or written.
    """

    def __init__(
        self,
        path: Path,
        key_of: Callable[[str], MessageKey],
        clock: Clock = lambda: datetime.now().astimezone(),
    ) -> None:
        """*key_of*: the key for a base name. *clock*: for searching by date; in the time zone of the user.

        Raises:
            LibraryUnusable: there can be no such file.
        """
        self.key_for = key_of
        self._clock = clock
        self._file = Database(path)
        self._past = Past()

    @property
    def path(self) -> Path:
        return self._file.path

    @property
    def made_anew(self) -> bool:
        """There was no file that could be used: it knows nothing, and wants to be told of all mail."""
        return self._file.made_anew

    @property
    def worn(self) -> bool:
        """So much mail is gone that a new index would be smaller and quicker."""
        with self._file.reading() as db:
            (gone,) = db.execute("SELECT count(*) FROM gone").fetchone()
            (there,) = db.execute("SELECT total(total) FROM folders").fetchone()
        return bool(gone >= _WORN_LEAST and gone * (_WORN - 1) > there)

    def close(self) -> None:
        """Wait for all who use it, and close the file."""
        self._file.close()

    def replace(self, new: Path) -> None:
        """Take the index in the file *new*, which is closed, for this one."""
        self._past.forget()  # before: nobody compares a moment of the old one with what the new one has
        self._file.replace(new)
        self._past.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # Changing.

    def put(self, arrivals: Iterable[tuple[Entry, Summary, float]]) -> Sequence[MessageKey]:
        return self.put_prepared(
            [
                arrival(self.key_for(entry.base), entry, summary, arrived)
                for entry, summary, arrived in arrivals
            ]
        )

    def put_prepared(self, arrivals: Sequence[Arrival]) -> Sequence[MessageKey]:
        """As :meth:`put`, for what another process has prepared."""
        if not arrivals:
            return []
        with self._noted() as writing:
            return writing.put(arrivals)

    def drop(self, keys: Collection[MessageKey]) -> None:
        if not keys:
            return
        with self._file.writing() as db:
            writing = Writing(db, self.key_for)
            writing.drop(keys)
            writing.finish()

    def place(self, moved: Iterable[tuple[MessageKey, Entry]]) -> None:
        places = list(moved)
        if not places:
            return
        with self._noted() as writing:
            for key, entry in places:
                writing.place(key, entry)

    def folder_renamed(self, old: Folder, new: Folder) -> None:
        with self._file.writing() as db:
            writing = Writing(db, self.key_for)
            writing.rename(old, new)
            writing.finish()
        self._past.folder_renamed(old, new)

    def keep_stamps(self, stamps: Mapping[Folder, bytes]) -> None:
        """How folders were on disk when all of them was known here."""
        if stamps:
            with self._file.writing() as db:
                db.executemany(
                    "REPLACE INTO stamps VALUES (?, ?)",
                    [(octets_of(folder), stamp) for folder, stamp in stamps.items()],
                )

    @contextmanager
    def _noted(self) -> Iterator[Writing]:
        """A change that :meth:`since` tells of before lists show it, and :attr:`moment` is after only when they do."""
        with self._file.turn:
            try:
                with self._file.writing() as db:
                    writing = Writing(db, self.key_for)
                    yield writing
                    writing.finish()
                    self._past.announce(writing.changes)
            except BaseException:
                self._past.announce(())
                raise
            self._past.note()

    # Looking.

    def stamps(self) -> dict[Folder, bytes]:
        """What :meth:`keep_stamps` has kept."""
        with self._file.reading() as db:
            found = db.execute("SELECT folder, stamp FROM stamps")
            return {Folder(name_of(name)): bytes(stamp) for name, stamp in found}

    def files(self, folder: Folder) -> dict[str, str]:
        """What the files of *folder* should be called (``cur/BASE:2,S``), and their base names; as
        :meth:`entries`, but small, and quick.
        """
        infos: dict[tuple[int, bytes], str] = {}
        files: dict[str, str] = {}
        with self._file.reading() as db:
            found = db.execute(
                f"SELECT p.base, m.flags, p.new, p.extra FROM {_PLACED}"  # noqa: S608 - constants
                " WHERE f.name = ? AND f.id <> ?",
                (octets_of(folder), INBOXES),
            )
            for octets, flags, new, extra in found:
                base = name_of(octets)
                if (info := infos.get((flags, extra))) is None:
                    letters = "".join(sorted(flags_of(flags)))
                    info = infos[flags, extra] = f":2,{letters}{name_of(extra)}"
                files[f"new/{base}" if new else f"cur/{base}{info}"] = base
        return files

    def entries(self, folder: Folder) -> dict[str, tuple[MessageKey, Entry]]:
        with self._file.reading() as db:
            found = db.execute(
                f"SELECT p.key, {_PLACE} FROM {_PLACED} WHERE f.name = ? AND f.id <> ?",  # noqa: S608 - constants
                (octets_of(folder), INBOXES),
            )
            return {
                entry.base: (MessageKey(key), entry)
                for key, *place in found
                for entry in (lists.entry_of(*place),)
            }

    def entry(self, key: MessageKey) -> Entry | None:
        with self._file.reading() as db:
            found = db.execute(
                f"SELECT {_PLACE} FROM {_PLACED} WHERE p.key = ?",  # noqa: S608 - constants
                (key,),
            ).fetchone()
        return lists.entry_of(*found) if found else None

    def key_of(self, base: str) -> MessageKey | None:
        key = self.key_for(base)
        return key if self.entry(key) else None

    def counts(self) -> dict[Folder, tuple[int, int]]:
        with self._file.reading() as db:
            found = db.execute("SELECT name, total, unseen FROM folders WHERE total > 0")
            return {Folder(name_of(name)): (total, unseen) for name, total, unseen in found}

    def page(self, folders: Collection[Folder], first: int, count: int) -> Page:
        with self._file.reading() as db:
            return lists.page(db, folders, first, count)

    def search(self, query: str, first: int, count: int, *, within: Collection[Folder]) -> Page:
        asked = parse(query, self._clock())
        first, count = max(0, first), max(0, count)
        most = first + count + COUNTED
        with self._file.reading() as db:
            folders = lists.numbers_of(db, within) if within else None
            # One more, to know whether there are more.
            numbers = matching.select(db, asked, folders, most + 1)
            rows = lists.rows(db, numbers[first : first + count])
        return Page(rows, first, min(len(numbers), most), len(numbers) > most, asked.to_highlight)

    def hits(self, query: str, keys: Collection[MessageKey]) -> dict[MessageKey, Hit]:
        finder = Finder.of(parse(query, self._clock()).words)
        if not finder.words or not keys:
            return {}
        with self._file.reading() as db:
            return hits(db, finder, list(keys))

    @property
    def moment(self) -> int:
        return self._past.now

    def since(self, moment: int, query: str = "") -> dict[MessageKey, Folder | None] | None:
        states = self._past.since(moment)
        if states is None:
            return None
        marks = [one for one in parse(query, self._clock()).conditions if isinstance(one, Is)]
        return {
            key: state.folder
            if state and all((mark.flag in state.flags) is mark.on for mark in marks)
            else None
            for key, state in states.items()
        }

    def find(self, key: MessageKey) -> Row | None:
        with self._file.reading() as db:
            found = lists.rows(db, _numbers(db, "files WHERE key = ?", key))
        return found[0] if found else None

    def thread(self, key: MessageKey) -> Sequence[Row]:
        with self._file.reading() as db:
            numbers = _numbers(
                db,
                "messages WHERE thread ="
                " (SELECT thread FROM messages JOIN files USING (id) WHERE key = ?) ORDER BY id",
                key,
            )
            rows = lists.rows(db, numbers)
        in_trash = any(row.key == key and row.folder == TRASH for row in rows)
        return [row for row in rows if in_trash or row.folder != TRASH]

    def with_message_id(self, message_id: str) -> Sequence[Row]:
        """Latest first."""
        if not message_id.strip():
            return []
        with self._file.reading() as db:
            found = db.execute(
                "SELECT id FROM faces WHERE message_id = ? ORDER BY id DESC LIMIT ?",
                (number_of(message_id), lists.AT_ONCE),
            )
            return lists.rows(db, [number for (number,) in found])

    def correspondents(self, beginning: str, count: int) -> Sequence[Contact]:
        with self._file.reading() as db:
            return people.beginning_with(db, beginning, max(0, count))


def _numbers(connection: sqlite3.Connection, where: str, key: MessageKey) -> list[int]:
    found = connection.execute(f"SELECT id FROM {where}", (key,))  # noqa: S608 - constants
    return [number for (number,) in found]
