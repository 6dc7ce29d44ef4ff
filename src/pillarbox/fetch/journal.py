"""What has been seen, stored and deleted, by unique-id: the collector's memory.

Every method that writes is one transaction and durable on return, for a whole batch of
messages. The order of a batch, and what a crash after each step means, is told in
:mod:`pillarbox.fetch`.

A message that vanished from the listing is remembered for :data:`FORGET_AFTER`: sick
servers list less than they have (even nothing), and all of it again the next day.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from pillarbox.fetch.journal_file import connect, unusable
from pillarbox.fetch.rules import DAY
from pillarbox.fetch.stages import Known, Listed, Stage

FORGET_AFTER = 8 * 7 * DAY
"""Seconds. Longer than a server stays sick, or a mailbox is away for a move; short enough
that an account with 500 messages a day stays below 30,000 rows."""

_AT_ONCE = 500
"""Unique-ids in one SELECT: SQLite allows 999 or more parameters in all versions."""

_MADE = "(unique_id >= '~' AND unique_id < '\x7f')"
"""Those with an id of our own making, and any that look like it: a range of the primary key."""

_STAGES = tuple(Stage)
_COLUMNS = "unique_id, stage, octets, first_seen, stored_at, digest, vanished_at IS NOT NULL"
_ALL = "unique_id, stage, octets, first_seen, stored_at, digest, destination, token, vanished_at"
_OF_THE_SERVER = {"mechanism", "pipelining_bad"}
"""What is remembered of how it is spoken to."""


class Staged(NamedTuple):
    """A message that a destination has staged, synced, and is about to publish."""

    unique_id: str
    octets: int | None
    """As listed."""
    digest: bytes
    """SHA-256 of what was retrieved."""
    token: str
    """The destination's name for it."""


class Unsettled(NamedTuple):
    """A message of which only the destination knows whether it has been published."""

    unique_id: str
    destination: str
    token: str


class Memory(NamedTuple):
    """What is remembered of the account itself."""

    mechanism: str | None = None
    """With which it was signed in last: a weaker one would be a downgrade."""
    pipelining_bad: bool = False
    """The server has corrupted pipelined replies."""
    mode: str | None = None
    """:attr:`Rules.mode` of the last run."""
    succeeded_at: float | None = None
    """When a run last came to its end without an error."""


class Journal:
    """The open journal of one account; a context manager. One thread at a time."""

    __slots__ = ("_path", "_sql")

    def __init__(self, path: Path | None) -> None:
        """Open the file *path* and hold it; None: begin an empty one in memory.

        Raises:
            JournalBusy: another fetch of this account is running.
            JournalUnusable: it cannot be opened, is damaged, or too new.
        """
        self._path = path
        self._sql = connect(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._translated():
            self._sql.close()

    # Looking

    @property
    def owner(self) -> str:
        """Eight hex digits that mark what this journal has staged at a destination."""
        return str(self._memory()["owner"])

    @property
    def memory(self) -> Memory:
        found = self._memory()
        return Memory(
            found.get("mechanism"),
            bool(found.get("pipelining_bad")),
            found.get("mode"),
            found.get("succeeded_at"),
        )

    def known(self, unique_ids: Collection[str]) -> dict[str, Known]:
        """What is known of the messages in a listing, and of all others that were in the
        last one; by unique-id. Of vanished messages, only those that are listed again.
        """
        with self._translated():
            found = self._rows("WHERE vanished_at IS NULL")
            for some in _in_parts([name for name in unique_ids if name not in found]):
                marks = ",".join("?" * len(some))
                keys = list(map(_key, some))
                found.update(self._rows(f"WHERE unique_id IN ({marks})", keys))
        return found

    def unsettled(self) -> list[Unsettled]:
        """The messages in PUBLISHING: to be settled before anything else."""
        with self._translated():
            rows = self._sql.execute(
                "SELECT unique_id, destination, token FROM messages WHERE stage = 1"
            )
            return [Unsettled(*map(_name, row)) for row in rows]

    @property
    def has_unique_ids(self) -> bool:
        """Whether the server has ever said what a message's unique-id is."""
        with self._translated():
            found = self._sql.execute(f"SELECT 1 FROM messages WHERE NOT {_MADE} LIMIT 1")  # noqa: S608 - a constant
            return found.fetchone() is not None

    def digests(self, *, only_made: bool) -> dict[str, bytes]:
        """Of the messages that are stored, or were, by unique-id; *only_made*: those with an id
        that was made here, of which there are few.
        """
        made = _MADE if only_made else "TRUE"
        with self._translated():
            rows = self._sql.execute(
                f"SELECT unique_id, digest FROM messages WHERE {made} AND stage >= 2"  # noqa: S608 - constants
            )
            return {_name(key): digest for key, digest in rows}

    # Writing, in the order of a message's life

    def note_listing(
        self, listed: Sequence[Listed], known: Mapping[str, Known], now: float
    ) -> None:
        """Take note of a listing: new messages, vanished ones, and those that are back.

        *known* is what :meth:`known` said of this very listing. Nothing is written when nothing is new.
        A deletion that was not confirmed is, when its message is not listed any more.
        """
        present = {message.unique_id for message in listed}
        new = [
            (_key(message.unique_id), message.octets, now)
            for message in listed
            if message.unique_id not in known
        ]
        back = [(_key(row.unique_id),) for row in known.values() if row.vanished]
        away = [(now, _key(name)) for name in known if name not in present]
        if not (new or back or away or self._anything_to_forget(now)):
            return
        with self._transaction() as sql:
            sql.executemany(
                "INSERT INTO messages (unique_id, stage, octets, first_seen) VALUES (?, 0, ?, ?)",
                new,
            )
            sql.executemany("UPDATE messages SET vanished_at = NULL WHERE unique_id = ?", back)
            sql.executemany(
                "UPDATE messages SET vanished_at = ?, stage = iif(stage = 3, 4, stage) "
                "WHERE unique_id = ?",
                away,
            )
            sql.execute(
                "DELETE FROM messages WHERE vanished_at < ? AND stage <> 1", (now - FORGET_AFTER,)
            )

    def publishing(self, messages: Iterable[Staged], destination: str) -> None:
        """Announce messages, staged and synced, that *destination* is about to publish."""
        self._advance(
            "SET stage = 1, octets = ?, digest = ?, token = ?, destination = ?",
            (Stage.SEEN, Stage.STORED, Stage.DELETING, Stage.GONE),
            [
                (octets, digest, _key(token), _key(destination), _key(unique_id))
                for unique_id, octets, digest, token in messages
            ],
        )

    def stored(self, unique_ids: Iterable[str], now: float) -> None:
        """Messages have been published, and would survive a power cut."""
        self._advance(
            "SET stage = 2, stored_at = ?, token = NULL, destination = NULL",
            (Stage.PUBLISHING,),
            [(now, _key(name)) for name in unique_ids],
        )

    def not_stored(self, unique_ids: Iterable[str]) -> None:
        """Messages have not been published: they count as never retrieved."""
        self._advance(
            "SET stage = 0, stored_at = NULL, digest = NULL, token = NULL, destination = NULL",
            (Stage.PUBLISHING,),
            [(_key(name),) for name in unique_ids],
        )

    def confirmed(self, messages: Iterable[Listed]) -> None:
        """Messages have been verified: they are those that were stored before."""
        self._advance(
            "SET stage = 2, octets = ?",
            (Stage.STORED, Stage.DELETING, Stage.GONE),
            [(message.octets, _key(message.unique_id)) for message in messages],
        )

    def adopted(self, messages: Iterable[tuple[Listed, str]]) -> None:
        """Messages have proved to be those that were stored under other unique-ids before."""
        self._advance(
            "SET stage = 2, octets = ?, (digest, stored_at) = "
            "(SELECT digest, stored_at FROM messages WHERE unique_id = ?)",
            (Stage.SEEN,),
            [
                (message.octets, _key(before), _key(message.unique_id))
                for message, before in messages
            ],
        )

    def deleting(self, unique_ids: Iterable[str]) -> None:
        """DELE is about to be sent for messages that are stored."""
        self._advance(
            "SET stage = 3",
            (Stage.STORED, Stage.DELETING),
            [(_key(name),) for name in unique_ids],
        )

    def gone(self, unique_ids: Iterable[str]) -> None:
        """The server has confirmed that messages are deleted."""
        self._advance("SET stage = 4", (Stage.DELETING,), [(_key(name),) for name in unique_ids])

    def remember(self, memory: Memory) -> None:
        """Keep *memory*; nothing is written when it is the same."""
        if memory == self.memory:
            return
        with self._transaction() as sql:
            sql.executemany(
                "INSERT OR REPLACE INTO memory (name, value) VALUES (?, ?)",
                memory._asdict().items(),
            )

    def take_over(self, other: Journal) -> None:
        """Know what *other* knows, and nothing else: their mailbox is one, at another place now. What was learnt of
        the server is left out, as it may be another one.
        """
        with self._translated():
            memory = other._memory()
            rows = other._sql.execute(f"SELECT {_ALL} FROM messages")  # noqa: S608 - a constant
        kept = [each for each in memory.items() if each[0] not in _OF_THE_SERVER]
        marks = ",".join("?" * len(_ALL.split(",")))
        with self._transaction() as sql:
            sql.execute("DELETE FROM messages")
            sql.executemany(f"INSERT INTO messages ({_ALL}) VALUES ({marks})", rows)  # noqa: S608 - constants
            sql.execute("DELETE FROM memory")
            sql.executemany("INSERT INTO memory (name, value) VALUES (?, ?)", kept)

    # How

    def _memory(self) -> dict[str, Any]:
        with self._translated():
            return dict(self._sql.execute("SELECT name, value FROM memory").fetchall())

    def _rows(self, where: str, keys: Sequence[str] = ()) -> dict[str, Known]:
        rows = self._sql.execute(f"SELECT {_COLUMNS} FROM messages {where}", keys)  # noqa: S608 - parts of it are constants, values are parameters
        return {
            (name := _name(key)): Known(
                name, _STAGES[stage], octets, first_seen, stored_at, digest, bool(vanished)
            )
            for key, stage, octets, first_seen, stored_at, digest, vanished in rows
        }

    def _anything_to_forget(self, now: float) -> bool:
        with self._translated():
            found = self._sql.execute(
                "SELECT 1 FROM messages WHERE vanished_at < ? LIMIT 1", (now - FORGET_AFTER,)
            )
            return found.fetchone() is not None

    def _advance(
        self, change: str, stages: Sequence[Stage], rows: Sequence[tuple[object, ...]]
    ) -> None:
        """Make *change* to each of *rows* (the key comes last), all or none.

        Raises:
            ValueError: one of them is in none of *stages*: the caller skipped a step, and
                going on might delete what is not stored.
        """
        if not rows:
            return
        allowed = ",".join(str(int(stage)) for stage in stages)
        with self._transaction() as sql:
            done = sql.executemany(
                f"UPDATE messages {change} WHERE unique_id = ? AND stage IN ({allowed})",
                rows,
            )
            if done.rowcount != len(rows):
                raise ValueError("a message is not in the stage before this one")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._translated():
            self._sql.execute("BEGIN IMMEDIATE")
            try:
                yield self._sql
                self._sql.execute("COMMIT")
            except BaseException:
                if self._sql.in_transaction:
                    self._sql.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise unusable(error, self._path) from error


def _key(name: str) -> str:
    """What stands for *name* in the file: its octets as Latin-1. Neither a unique-id nor a
    path need be text.
    """
    if name.isascii():
        return name
    return name.encode("utf-8", "surrogateescape").decode("latin-1")


def _name(key: str) -> str:
    return key if key.isascii() else key.encode("latin-1").decode("utf-8", "surrogateescape")


def _in_parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))
