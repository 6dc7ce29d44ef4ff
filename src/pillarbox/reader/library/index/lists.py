"""Rows of lists, and the pages they are on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pillarbox.reader.library.index.arrival import SEEN, flags_of, name_of, octets_of
from pillarbox.reader.library.index.schema import INBOXES
from pillarbox.reader.model import (
    INBOX,
    Correspondent,
    Entry,
    Folder,
    MessageKey,
    Page,
    Row,
)

AT_ONCE = 500
"""Rows in one SELECT: SQLite allows 999 or more parameters in all versions."""

_SHOWN = """
    SELECT m.id, p.key, f.name, c.subject, c.sender_name, c.sender_address, c.recipients, m.date,
        c.opening, m.octets, m.flags, m.attachments, m.thread, h.messages, h.unseen, c.message_id
    FROM messages m JOIN files p USING (id) JOIN faces c USING (id)
        JOIN folders f ON f.id = m.folder
        LEFT JOIN heads h ON h.thread = m.thread AND h.list = coalesce(?, m.folder)
    WHERE m.id IN ({marks})
"""


def rows(
    connection: sqlite3.Connection, numbers: Sequence[int], of: int | None = None
) -> list[Row]:
    """The messages of these *numbers*, in this order. *of*: the list whose threads are counted (None: each
    message's folder).
    """
    found: dict[int, Row] = {}
    for start in range(0, len(numbers), AT_ONCE):
        some = numbers[start : start + AT_ONCE]
        statement = _SHOWN.format(marks=",".join("?" * len(some)))
        for number, *columns in connection.execute(statement, (of, *some)):
            found[number] = _row(*columns)
    return [found[number] for number in numbers if number in found]


def page(
    connection: sqlite3.Connection, folders: Collection[Folder], first: int, count: int
) -> Page:
    """Threads of these *folders*, latest first. Of all inboxes together: each thread once."""
    lists, which = _lists(connection, folders)
    total = sum(lists.values())
    first, count = max(0, first), max(0, count)
    numbers = _heads(connection, sorted(lists), first, min(count, total - first), total)
    return Page(rows(connection, numbers, which), first, total)


def entry_of(folder: bytes, base: bytes, flags: int, new: int, extra: bytes) -> Entry:
    """A message's file, as the table has it."""
    return Entry(
        folder=Folder(name_of(folder)),
        base=name_of(base),
        flags=flags_of(flags),
        new=bool(new),
        extra=name_of(extra),
    )


def numbers_of(connection: sqlite3.Connection, folders: Iterable[Folder]) -> list[int]:
    """The numbers of those *folders* that are known."""
    found = []
    for folder in folders:
        row = connection.execute(
            "SELECT id FROM folders WHERE name = ? AND id <> ?", (octets_of(folder), INBOXES)
        ).fetchone()
        if row:
            found.append(int(row[0]))
    return found


def _lists(
    connection: sqlite3.Connection, folders: Collection[Folder]
) -> tuple[dict[int, int], int | None]:
    """Threads by list; and the list of all inboxes, if that is what is asked for."""
    asked = {octets_of(folder) for folder in folders}
    inbox = octets_of(f"{INBOX}/")
    known = {
        name: (number, threads)
        for number, name, threads in connection.execute("SELECT id, name, threads FROM folders")
        if number != INBOXES and threads
    }
    inboxes = {name for name in known if name.startswith(inbox)}
    if len(inboxes) > 1 and asked & known.keys() == inboxes:
        (threads,) = connection.execute(
            "SELECT threads FROM folders WHERE id = ?", (INBOXES,)
        ).fetchone()
        return {INBOXES: int(threads)}, INBOXES
    return dict(known[name] for name in asked if name in known), None


def _heads(
    connection: sqlite3.Connection, lists: Sequence[int], first: int, count: int, total: int
) -> list[int]:
    """Numbers of the latest messages of threads. Read from the nearer end."""
    if count <= 0:
        return []
    backwards = first > total // 2
    skip = total - first - count if backwards else first
    order = "ASC" if backwards else "DESC"
    which = "list = ?" if len(lists) == 1 else f"list IN ({','.join('?' * len(lists))})"
    found = connection.execute(
        f"SELECT id FROM heads WHERE {which} ORDER BY id {order} LIMIT ? OFFSET ?",  # noqa: S608 - marks
        (*lists, count, skip),
    )
    numbers = [number for (number,) in found]
    return numbers[::-1] if backwards else numbers


def _row(*columns: Any) -> Row:
    (key, folder, subject, name, address, recipients, date, opening) = columns[:8]
    octets, flags, attachments, thread, in_thread, unseen, message_id = columns[8:]
    return Row(
        key=MessageKey(key),
        folder=Folder(name_of(folder)),
        subject=subject,
        sender=Correspondent(name, address),
        to=tuple(Correspondent(*person) for person in json.loads(recipients)),
        date=datetime.fromtimestamp(date, UTC),
        opening=opening,
        octets=octets,
        flags=flags_of(flags),
        attachments=bool(attachments),
        thread=thread,
        in_thread=in_thread or 1,
        unseen_in_thread=unseen if unseen is not None else int(not flags & SEEN),
        message_id=message_id or 0,
    )
