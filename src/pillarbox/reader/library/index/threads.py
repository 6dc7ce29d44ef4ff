"""Which messages belong together.

By Message-ID: a message is in the thread of the message that it answers (In-Reply-To, References), of those
that answer it, and of others with its own Message-ID (copies by a list, or to a second account). A parent that
comes late joins the threads of its answers. A Message-ID stays known as long as its thread has messages, so what
a message connects stays connected when it is removed.

By subject only as a last resort: an answer that names nothing, to something like its subject, between people who
are in both, within a month.

A thread has at most :data:`MOST_MESSAGES`. When it is full, what would come goes on in another one: so
neither a Message-ID that is everywhere nor somebody's malice makes a thread of a whole mailbox.
"""

from __future__ import annotations

import json
import sqlite3

from pillarbox.reader.library.index.arrival import Arrival
from pillarbox.reader.library.index.schema import NUMBERS_A_SECOND

MOST_MESSAGES = 1000
"""Of one thread. Real ones are hardly ever longer; a page can show no more."""
BY_SUBJECT = 30 * 86_400
"""Seconds between a message and an answer that is known by its subject alone."""
_ALIKE = 20
"""Messages of one subject that are looked at, latest first."""


class Threads:
    """Within a transaction of the caller's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self.emptied: set[int] = set()
        """Threads that went into others."""
        self.grown: set[int] = set()
        """Threads into which these, or new messages, went."""

    def place(self, message: Arrival, number: int) -> int:
        """The thread of a new *message*, which will have that *number*."""
        named = message.references
        if message.message_id is not None:
            named = (message.message_id, *named)
        found = self._known(named)
        # In the order of nearness, each once.
        near = list(dict.fromkeys(found[name] for name in named if name in found))
        if not near and message.is_reply and not message.references:
            near = self._by_subject(message)
        thread = self._join(near, number)
        self._db.executemany(
            "INSERT INTO known VALUES (?, ?)",
            [(name, thread) for name in dict.fromkeys(named) if name not in found],
        )
        self.grown.add(thread)
        return thread

    def forget(self, thread: int) -> None:
        """It has no messages any more."""
        self._db.execute("DELETE FROM known WHERE thread = ?", (thread,))

    def _known(self, names: tuple[int, ...]) -> dict[int, int]:
        if not names:
            return {}
        marks = ",".join("?" * len(names))
        return dict(
            self._db.execute(
                f"SELECT message_id, thread FROM known WHERE message_id IN ({marks})",  # noqa: S608 - marks
                names,
            )
        )

    def _join(self, near: list[int], number: int) -> int:
        """Make one thread of those in *near*, as far as it has room for a new message as well."""
        sizes = {thread: self._size(thread) for thread in near}
        roomy = [thread for thread in near if sizes[thread] < MOST_MESSAGES]
        if not roomy:
            return number
        size = 1 + sizes[roomy[0]]
        joined = [roomy[0]]
        for other in roomy[1:]:
            if size + sizes[other] <= MOST_MESSAGES:
                size += sizes[other]
                joined.append(other)
        # The largest keeps its number: the fewest rows change.
        thread = max(joined, key=lambda one: (sizes[one], -one))
        for other in joined:
            if other != thread:
                self._db.execute("UPDATE messages SET thread = ? WHERE thread = ?", (thread, other))
                self._db.execute("UPDATE known SET thread = ? WHERE thread = ?", (thread, other))
                self.emptied.add(other)
        return thread

    def _size(self, thread: int) -> int:
        (size,) = self._db.execute(
            "SELECT count(*) FROM messages WHERE thread = ?", (thread,)
        ).fetchone()
        return int(size)

    def _by_subject(self, message: Arrival) -> list[int]:
        if message.topic is None:
            return []
        people = {person.address.casefold() for person in (message.sender, *message.to)} - {""}
        candidates = self._db.execute(
            "SELECT thread, sender_address, recipients"
            " FROM faces JOIN messages USING (id)"
            " WHERE topic = ? AND faces.id BETWEEN ? AND ? ORDER BY faces.id DESC LIMIT ?",
            (
                message.topic,
                (message.date - BY_SUBJECT) * NUMBERS_A_SECOND,
                message.date * NUMBERS_A_SECOND + NUMBERS_A_SECOND,
                _ALIKE,
            ),
        )
        for thread, sender, recipients in candidates:
            theirs = {sender.casefold()}
            theirs.update(address.casefold() for _, address in json.loads(recipients))
            if people & theirs:
                return [thread]
        return []
