"""The database file: opened, made anew when it cannot be used, replaced; and its connections.

One connection writes, in turns; a few read, each used by one thread at a time. In WAL mode neither waits
for the other.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pillarbox.durable import sync_folder
from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.library.index.schema import APPLICATION_ID, STATEMENTS, VERSION
from pillarbox.room import is_lack_of_room

READERS = 4
"""Connections that read at the same time. More requests than these wait for one another: there is one user, and
each connection has a cache of its own."""
_CACHE = 8 * 1024
"""KiB of pages that a connection remembers: the upper parts of the trees, and the rows of a mailbox."""
_BULK_CACHE = 32 * 1024
"""KiB, while an index is being built, by a single connection."""
_WAIT = 30.0
"""Seconds for another process to finish what it writes. There should be none."""
_IN_USE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_OF_THE_FILE = (sqlite3.OperationalError, sqlite3.DatabaseError)
_BESIDE = ("-wal", "-shm", "-journal")


class Database:
    """The index's file at *path*."""

    def __init__(self, path: Path) -> None:
        """Open it; one that is missing, damaged or of another version is made anew.

        Raises:
            LibraryUnusable: there can be none at all.
        """
        self.path = path
        self.made_anew = False
        """There was none that could be used: it knows nothing."""
        self.turn = threading.RLock()
        """Held by whoever writes."""
        self._permits = threading.Semaphore(READERS)
        self._gate = threading.Lock()
        """Who reads goes through; who wants to be alone keeps it shut."""
        self._idle: list[sqlite3.Connection] = []
        self._writer = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._open_once()
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # Python's own errors have none
            if code in _IN_USE or is_lack_of_room(error, self.path.parent):
                raise unusable(self.path, error) from error
        try:
            remove(self.path)
            return self._open_once()
        except (sqlite3.Error, OSError) as error:
            raise unusable(self.path, error) from error

    def _open_once(self) -> sqlite3.Connection:
        connection = connect(self.path)
        try:
            if _is_ours(connection):
                connection.execute("PRAGMA journal_mode = WAL")
                return connection
            make(connection)  # fails if there are tables of another version
            connection.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            connection.close()
            raise
        self.made_anew = True
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it, or nothing. One at a time; others wait for their turn.

        Raises:
            LibraryUnusable: the file is damaged, or there is no room.
        """
        with self.turn, _in_words(self):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # it may have been rolled back already
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The index as it is at one moment.

        Raises:
            LibraryUnusable: the file is damaged.
        """
        with self._gate:
            self._permits.acquire()
        try:
            with _in_words(self), self._connection() as connection:
                yield connection
        finally:
            self._permits.release()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = connect(self.path)
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            self._idle.append(connection)

    def replace(self, new: Path) -> None:
        """Take the file *new*, complete and closed, for this one. Waits for all who read or write. Killed at any moment, the
        reader finds the old one or the new one: to make it once more takes minutes.
        """
        with self._alone():
            self._close_all()
            if _has_log(
                self.path
            ):  # somebody else has it open: it would be taken for the new one's
                remove(self.path)
            new.rename(self.path)
            sync_folder(self.path.parent)
            self.made_anew = False
            self._writer = self._open()

    def close(self) -> None:
        """No more use of it. Waits for all who read or write."""
        with self._alone():
            self._close_all()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self.turn, self._gate:
            for _ in range(READERS):
                self._permits.acquire()
            try:
                yield
            finally:
                self._permits.release(READERS)

    def _close_all(self) -> None:
        while self._idle:
            self._idle.pop().close()
        self._writer.close()


def connect(path: Path, *, bulk: bool = False) -> sqlite3.Connection:
    """Open the file at *path*, made if missing. *bulk*: to fill a new one, of which nothing is kept if the
    process ends before that is done.
    """
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        path, timeout=_WAIT, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        # What the file says of itself is not believed where it could run code.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA synchronous = {'OFF' if bulk else 'NORMAL'}")
        connection.execute(f"PRAGMA cache_size = -{_BULK_CACHE if bulk else _CACHE}")
        connection.execute("PRAGMA temp_store = MEMORY")
        if bulk:
            connection.execute("PRAGMA journal_mode = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def make(connection: sqlite3.Connection) -> None:
    """Write the tables into a new file."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in STATEMENTS:
        connection.execute(statement)
    connection.execute("COMMIT")


def remove(path: Path) -> None:
    """Remove a database that nobody has open, and what SQLite keeps beside it. The file goes first: without it, the
    rest means nothing; but a log without the file that it belongs to would be taken for the next one's.
    """
    path.unlink(missing_ok=True)
    for suffix in _BESIDE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _has_log(path: Path) -> bool:
    """Whether there is something beside the database that belongs to it: when all have closed it, there is not."""
    return any(path.with_name(path.name + suffix).exists() for suffix in _BESIDE)


def _is_ours(connection: sqlite3.Connection) -> bool:
    marks = [
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    ]
    if marks != [APPLICATION_ID, VERSION]:
        return False
    connection.execute("SELECT count(*) FROM folders").fetchone()
    return True


@contextmanager
def _in_words(database: Database) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) in _OF_THE_FILE:
            raise unusable(database.path, error) from error
        raise  # a defect of ours


def unusable(path: Path, error: Exception) -> LibraryUnusable:
    """What *error*, met with the index at *path*, means for the user."""
    if is_lack_of_room(error, path.parent):
        return LibraryUnusable(f"The disk is full: {path} cannot be written. Make some room.")
    return LibraryUnusable(
        f"The index of the mail, {path}, cannot be used ({error}). The mail itself is not concerned. "
        "Remove that file, and start the reader again: it makes the index anew."
    )
