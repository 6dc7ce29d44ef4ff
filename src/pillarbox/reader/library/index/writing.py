"""What happens to rows when mail comes, goes, or is somewhere else. Within a transaction of the caller's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet

from pillarbox.reader.copies import Placed, what_it_is, without_copies
from pillarbox.reader.library.index import people
from pillarbox.reader.library.index.arrival import (
    SEEN,
    Arrival,
    bits_of,
    flags_of,
    name_of,
    octets_of,
)
from pillarbox.reader.library.index.past import State, Was
from pillarbox.reader.library.index.schema import INBOXES, NUMBERS_A_SECOND
from pillarbox.reader.library.index.threads import Threads
from pillarbox.reader.model import INBOX, SENT, Correspondent, Entry, Folder, MessageKey

_FOUND = """
    SELECT messages.id, folder, thread, flags, name
    FROM messages JOIN files USING (id) JOIN folders ON folders.id = messages.folder WHERE key = ?
"""
_ONE_THREAD = """
    SELECT folder, name, message_id, sender_address, date
    FROM messages JOIN faces USING (id) JOIN folders ON folders.id = messages.folder
    WHERE thread = ? ORDER BY messages.id
"""
_FIRST = 2
"""The first number of a folder: behind that of all inboxes."""


class Writing:
    """One change of the index: first what happens, then :meth:`finish`."""

    def __init__(self, connection: sqlite3.Connection, key_of: Callable[[str], MessageKey]) -> None:
        self._db = connection
        self._key_of = key_of
        self._threads = Threads(connection)
        self._touched: set[int] = set()
        """Threads whose heads may be others now."""
        self._folders: dict[Folder, int] = {}
        self._next: dict[int, int] = {}
        """By second: where the search for a free number goes on."""
        self.changes: list[Was] = []
        """To be noted when all of this is committed."""

    def put(self, arrivals: Sequence[Arrival]) -> list[MessageKey]:
        """Those that are there already are placed."""
        # In the order of their numbers: full text is written in runs of ascending ones.
        for message in sorted(arrivals, key=lambda one: one.date):
            found = self._db.execute("SELECT 1 FROM files WHERE key = ?", (message.key,)).fetchone()
            if found:
                self.place(message.key, message.entry)
            else:
                self._insert(message)
        return [message.key for message in arrivals]

    def drop(self, keys: Iterable[MessageKey]) -> None:
        """Those that are not there are passed over."""
        for key in keys:
            found = self._db.execute(_FOUND, (key,)).fetchone()
            if found is None:
                continue
            number, folder, thread, *_ = found
            self._count(number, folder, -1)
            self._db.execute("DELETE FROM messages WHERE id = ?", (number,))
            self._db.execute("DELETE FROM files WHERE id = ?", (number,))
            self._db.execute("DELETE FROM faces WHERE id = ?", (number,))
            self._db.execute("DELETE FROM matter WHERE id = ?", (number,))
            self._db.execute("INSERT INTO gone VALUES (?)", (number,))
            self._touched.add(thread)

    def place(self, key: MessageKey, entry: Entry) -> None:
        """One that is not there is passed over. With another base name it has another key."""
        found = self._db.execute(_FOUND, (key,)).fetchone()
        if found is None:
            return
        number, before, thread, marks, name = found
        was = State(Folder(name_of(name)), flags_of(marks))
        folder = self._folder(entry.folder)
        sent = self._folder(SENT)
        moved_by_sent = before != folder and sent in (before, folder)
        if moved_by_sent:
            self._count(number, before, -1)
        flags, *file = _state(entry)
        self._db.execute(
            "UPDATE messages SET folder = ?, flags = ? WHERE id = ?", (folder, flags, number)
        )
        self._db.execute(
            "UPDATE files SET key = ?, new = ?, base = ?, extra = ? WHERE id = ?",
            (now := self._key_of(entry.base), *file, number),
        )
        if now != key:
            self.changes.append(Was(now, None))
        elif was != (entry.folder, entry.flags):
            self.changes.append(Was(key, was))
        if moved_by_sent:
            self._count(number, folder, 1)
        self._touched.add(thread)

    def rename(self, old: Folder, new: Folder) -> None:
        """Messages of *old* are in *new*, which may have some already."""
        found = self._db.execute(
            "SELECT id FROM folders WHERE name = ?", (octets_of(old),)
        ).fetchone()
        if found is None:
            return
        to = self._folder(new)
        threads = self._db.execute(
            "SELECT DISTINCT thread FROM messages WHERE folder = ?", (found[0],)
        ).fetchall()
        self._touched.update(thread for (thread,) in threads)
        self._db.execute("UPDATE messages SET folder = ? WHERE folder = ?", (to, found[0]))
        self._db.execute(
            "DELETE FROM stamps WHERE folder IN (?, ?)", (octets_of(old), octets_of(new))
        )

    def finish(self) -> None:
        """Make lists of threads true again."""
        touched = self._touched | self._threads.grown | self._threads.emptied
        if not touched:
            return
        inboxes = _inboxes(self._db)
        come: list[tuple[int, ...]] = []
        for thread in touched:
            come += self._refresh(thread, inboxes)
        # When all that are none any more are gone: a message may be the head of another thread now.
        self._db.executemany("INSERT INTO heads VALUES (?, ?, ?, ?, ?)", come)

    def _insert(self, message: Arrival) -> None:
        number = self._number(message.date)
        thread = self._threads.place(message, number)
        folder = self._folder(message.entry.folder)
        flags, new, base, extra = _state(message.entry)
        self._db.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                folder,
                flags,
                message.date,
                message.octets,
                message.attachments,
                thread,
            ),
        )
        self._db.execute(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?)", (number, message.key, base, new, extra)
        )
        self.changes.append(Was(message.key, None))
        self._db.execute(
            "INSERT INTO faces VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                message.message_id,
                message.topic,
                message.sender.name,
                message.sender.address,
                json.dumps(
                    [(person.name, person.address) for person in message.to], ensure_ascii=False
                ),
                message.subject,
                message.opening,
            ),
        )
        self._db.execute("INSERT INTO matter VALUES (?, ?)", (number, message.matter))
        self._db.execute(
            "INSERT INTO words (rowid, subject, sender, recipients, text, files)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (number, *message.words),
        )
        sent = message.entry.folder == SENT
        people.count(self._db, [people.Letter(message.sender, message.to, message.date, sent)], 1)

    def _number(self, date: int) -> int:
        number = max(date * NUMBERS_A_SECOND, self._next.get(date, 1))
        taken = "SELECT 1 FROM messages WHERE id = :n UNION ALL SELECT 1 FROM gone WHERE id = :n LIMIT 1"
        while self._db.execute(taken, {"n": number}).fetchone():
            number += 1
        self._next[date] = number + 1
        return number

    def _folder(self, folder: Folder) -> int:
        known = self._folders.get(folder)
        if known is None:
            name = octets_of(folder)
            # Never the number of all inboxes, even if somebody has made a folder of that name.
            found = self._db.execute(
                "SELECT id FROM folders WHERE name = ? AND id >= ?", (name, _FIRST)
            ).fetchone()
            if found is None:
                found = self._db.execute(
                    "INSERT INTO folders (name) VALUES (?) RETURNING id", (name,)
                ).fetchone()
            known = self._folders[folder] = int(found[0])
        return known

    def _count(self, number: int, folder: int, times: int) -> None:
        """Take note of whom a message that is there is from, or to."""
        name, address, recipients, date = self._db.execute(
            "SELECT sender_name, sender_address, recipients, date"
            " FROM faces JOIN messages USING (id) WHERE id = ?",
            (number,),
        ).fetchone()
        to = [Correspondent(*person) for person in json.loads(recipients)]
        sent = folder == self._folder(SENT)
        letter = people.Letter(Correspondent(name, address), to, date, sent)
        people.count(self._db, [letter], times)

    def _refresh(self, thread: int, inboxes: AbstractSet[int]) -> list[tuple[int, ...]]:
        """Take away heads that are wrong; returns those to be put in."""
        lists: dict[int, tuple[int, ...]] = {}
        for folder, *state in self._db.execute(
            "SELECT folder, max(id), count(*), total(NOT (flags & ?))"
            " FROM messages WHERE thread = ? GROUP BY folder",
            (SEEN, thread),
        ):
            last, messages, unseen = map(int, state)
            lists[folder] = last, messages, unseen
            if folder in inboxes:
                other = lists.get(INBOXES, (0, 0, 0))
                lists[INBOXES] = max(last, other[0]), messages + other[1], unseen + other[2]
        if len(inboxes & lists.keys()) > 1:
            last, _, unseen = lists[INBOXES]
            lists[INBOXES] = last, self._without_copies(thread, inboxes), unseen
        before = {
            one: tuple(state)
            for one, *state in self._db.execute(
                "SELECT list, id, messages, unseen FROM heads WHERE thread = ?", (thread,)
            )
        }
        for one, state in before.items():
            if state != lists.get(one):
                self._db.execute("DELETE FROM heads WHERE thread = ? AND list = ?", (thread, one))
        if not lists:
            self._threads.forget(thread)
        return [(thread, one, *state) for one, state in lists.items() if before.get(one) != state]

    def _without_copies(self, thread: int, inboxes: Collection[int]) -> int:
        """How many messages of *thread* are in *inboxes*, as its latest one is opened there."""
        messages = [
            Placed(Folder(name_of(name)), what_it_is(message_id, address, date))
            for folder, name, message_id, address, date in self._db.execute(_ONE_THREAD, (thread,))
            if folder in inboxes
        ]
        return len(without_copies(messages, len(messages) - 1))


def _state(entry: Entry) -> tuple[int, bool, bytes, bytes]:
    """Flags, new, base name and letters that are no flags, as the table has them."""
    return bits_of(entry.flags), entry.new, octets_of(entry.base), octets_of(entry.extra)


def _inboxes(connection: sqlite3.Connection) -> frozenset[int]:
    beginning = octets_of(f"{INBOX}/")
    return frozenset(
        number
        for number, name in connection.execute("SELECT id, name FROM folders")
        if name.startswith(beginning)
    )
