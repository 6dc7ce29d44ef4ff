"""The index of one shard: its tables, its migrations, and how a connection is set up.

``maildrops``
    One row a user. ``next_seq`` only ever grows: sequence numbers order a maildrop and are
    never given twice. ``messages`` and ``octets`` are kept up to date by every write, so
    that opening a maildrop reads one row and no listing.
``views``
    One row for each device's eyes on a maildrop. ``epoch`` is part of what a session locks (see
    ``locks``): raising it takes the lock away. ``messages`` and ``octets`` count what the view
    lists. A view lists no message with a number below ``since``: those came before it, or it
    has deleted them (each deletion moves ``since`` up to the first message that is left, so
    that what a device has collected long ago is not looked through again). ``seen_at`` and
    ``absent`` say whether it holds mail back (see ``views``). A number means one view for ever:
    who is added again after a removal gets a new one. ``taken`` is raised by whoever takes messages
    off one list among others. A Pillarbox from before there were devices does not: while one
    still runs on an index that has been brought up to date, a trigger keeps it from removing what
    it has not asked the other views about.
``hidden``
    What a view has deleted and the maildrop still has, as somebody else wants it. Under the
    negative number of a maildrop: what views that are gone have deleted.
``messages``
    The listing, clustered by maildrop (WITHOUT ROWID), so that LIST and UIDL read
    neighbouring pages.
``bodies``
    One row for each body, shared by ``refs`` messages. ``data`` is NULL when the body is a
    file. Numbers are never used twice (AUTOINCREMENT), so a file's name means one body.
    ``checksum`` is the CRC-32 of the stored form as it was delivered, for ``maildrop check``
    (NULL, of a body from before there were checksums: unknown). It is to find what disks
    and hands have changed, not forgers; nothing cheaper finds it (experiments/store.md).
``doomed``
    Body files whose rows are gone but which may not be unlinked yet: what a crash between
    the two leaves behind can be found without a search. No other body file is ever unlinked
    but those of deliveries that came to nothing (see ``bodies``).
``arrivals``
    One row for a maildrop that has been moved here from another store (see ``moving``). It is closed until
    that is ``complete``; ``standing`` is how its views were left, so that it can be told whether it has been
    used since.
``identity``
    One row: a random text, which tells this index from all others. With the number of a maildrop it tells
    that from all others.
``brought``
    What has come with such a move, 256 messages or so in a row: marks made of unique-ids.
``taken_off``
    What repair has taken off its lists, as its body was not whole: where the maildrop has been moved to,
    these have not been deleted.
``pulse``
    One row, written by the health check.

An index that is missing or empty is never opened: SQLite would take an empty file for a new
index, and remove the write-ahead log beside it, which may have mail in it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.model import DEFAULT_VIEW

PAGE_BYTES = 4096
"""Measured: experiments/store.md."""
CHECKPOINT_PAGES = 2000
"""The write-ahead log is copied into the index when it has so many pages (8 MiB)."""
JOURNAL_BYTES = 16 * 1024 * 1024
"""The write-ahead log is cut back to this when it has been copied into the index."""
BUSY_SECONDS = 5.0
"""SQLite's own locks are held for moments: the writers take turns by ``writer.lock``."""
OLDEST_SQLITE = (3, 35, 0)
"""RETURNING and UPDATE ... FROM."""

_NOW = "CAST(strftime('%s', 'now') AS REAL)"

MIGRATIONS = (
    f"""
    CREATE TABLE maildrops (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        next_seq INTEGER NOT NULL DEFAULT 1,
        messages INTEGER NOT NULL DEFAULT 0,
        octets INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE views (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        maildrop INTEGER NOT NULL,
        name TEXT NOT NULL DEFAULT '{DEFAULT_VIEW}',
        epoch INTEGER NOT NULL DEFAULT 0,
        messages INTEGER NOT NULL DEFAULT 0,
        octets INTEGER NOT NULL DEFAULT 0,
        opened_at REAL,
        UNIQUE (maildrop, name)
    );
    CREATE TABLE messages (
        maildrop INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        unique_id TEXT NOT NULL,
        octets INTEGER NOT NULL,
        body INTEGER NOT NULL,
        received_at REAL NOT NULL,
        PRIMARY KEY (maildrop, seq)
    ) WITHOUT ROWID;
    CREATE TABLE bodies (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        refs INTEGER NOT NULL,
        stored INTEGER NOT NULL,
        international INTEGER NOT NULL,
        data BLOB
    );
    CREATE TABLE doomed (id INTEGER PRIMARY KEY);
    CREATE TABLE pulse (id INTEGER PRIMARY KEY, at REAL NOT NULL);
    """,
    """
    ALTER TABLE bodies ADD COLUMN checksum INTEGER;
    """,
    # Whether a view of before was used is not known: it holds mail back.
    f"""
    ALTER TABLE views ADD COLUMN created_at REAL;
    ALTER TABLE views ADD COLUMN seen_at REAL;
    ALTER TABLE views ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE views ADD COLUMN absent INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE hidden (
        view INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (view, seq)
    ) WITHOUT ROWID;
    UPDATE views SET seen_at = {_NOW};
    """,  # noqa: S608 - our own text
    """
    ALTER TABLE views ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;
    CREATE TRIGGER views_are_heeded BEFORE UPDATE OF messages ON views
    WHEN new.messages < old.messages AND new.taken = old.taken
        AND EXISTS (SELECT 1 FROM views WHERE maildrop = old.maildrop AND id <> old.id)
    BEGIN
        SELECT RAISE(ABORT, 'it knows of devices, the Pillarbox that runs does not: restart it');
    END;
    """,
    """
    CREATE TABLE arrivals (
        maildrop INTEGER PRIMARY KEY,
        origin TEXT NOT NULL,
        next_seq INTEGER NOT NULL,
        complete INTEGER NOT NULL,
        standing TEXT NOT NULL
    );
    CREATE TABLE brought (
        id INTEGER PRIMARY KEY,
        maildrop INTEGER NOT NULL,
        marks BLOB NOT NULL
    );
    CREATE INDEX brought_by_maildrop ON brought (maildrop);
    CREATE TABLE identity (id TEXT NOT NULL);
    INSERT INTO identity VALUES (lower(hex(randomblob(16))));
    """,
    """
    CREATE TABLE taken_off (
        maildrop INTEGER NOT NULL,
        unique_id TEXT NOT NULL,
        PRIMARY KEY (maildrop, unique_id)
    ) WITHOUT ROWID;
    """,
)
"""Statement scripts; the index's user_version says how many of them it has had."""
_WITHOUT_DEVICES = 2
"""The last version whose maildrops have one view each."""
_WITHOUT_MOVING = 4
"""The last version whose maildrops have not come from elsewhere."""
_WITHOUT_TAKEN_OFF = 5
"""The last version in which repair does not note what it takes away."""
_STAND_INS = f"""
    CREATE TEMP VIEW views AS
        SELECT *, NULL AS created_at, {_NOW} AS seen_at, 0 AS since, 0 AS absent
        FROM main.views;
    CREATE TEMP TABLE hidden (view INTEGER, seq INTEGER, PRIMARY KEY (view, seq)) WITHOUT ROWID;
"""  # noqa: S608 - our own text
"""What an index of :data:`_WITHOUT_DEVICES` lacks, for a connection that only looks and must
not bring it up to date. Temporary names hide those of the index."""


_STAND_INS_FOR_MOVING = """
    CREATE TEMP TABLE arrivals (maildrop INTEGER PRIMARY KEY, origin, next_seq, complete, standing);
    CREATE TEMP TABLE identity (id TEXT);
"""
"""The same of one of :data:`_WITHOUT_MOVING`."""
_STAND_IN_FOR_TAKEN_OFF = "CREATE TEMP TABLE taken_off (maildrop INTEGER, unique_id TEXT);"
"""The same of one of :data:`_WITHOUT_TAKEN_OFF`."""


def lost(index: Path, *, temporary: bool = False) -> StoreUnavailable | None:
    """What to say when *index* is missing or empty, which it never is once it was made."""
    try:
        what = None if index.stat().st_size else "empty"
    except FileNotFoundError:
        what = "missing"
    return _lost(index, what, temporary=temporary) if what else None


def empty(index: Path) -> StoreUnavailable:
    """What to say when *index* is an index of nothing, as a crash cannot leave it."""
    return _lost(index, "empty")


def _lost(index: Path, what: str, *, temporary: bool = False) -> StoreUnavailable:
    return StoreUnavailable(
        f"index {index} is {what}, and with it the lists of messages and the small messages: "
        "stop the server and restore the file from a backup (if there is none, `pillarbox "
        "maildrop check --repair` begins an empty index and sets aside what is left of the mail)",
        temporary=temporary,
    )


class SameFile:
    """Sees to it that one process uses one index, and not a file that has been taken away.

    What is written to a file without a name is gone when the last process closes it; and
    sessions that began on one index must not delete by its numbers in another.
    """

    __slots__ = ("_index", "_inode")

    def __init__(self, index: Path) -> None:
        self._index = index
        self._inode: tuple[int, int] | None = None

    def confirm(self) -> None:
        """Compare the file with the one of the first call.

        Raises:
            StoreUnavailable: it is missing, or another one.
            OSError: it cannot be looked at.
        """
        try:
            found = self._index.stat()
        except FileNotFoundError:
            raise _lost(self._index, "missing", temporary=True) from None
        inode = found.st_dev, found.st_ino
        if self._inode is None:
            self._inode = inode
        elif inode != self._inode:
            raise StoreUnavailable(
                f"index {self._index} has been replaced while the server runs: restart it",
                temporary=True,
            )


def connect(index: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to *index*; it may be used from any one thread at a time.

    Raises:
        StoreUnavailable: it is missing or empty. (Temporary: somebody may be restoring it.)
        sqlite3.Error: it cannot be opened.
    """
    problem = lost(index, temporary=True)
    if problem is not None:
        raise problem
    return _connect(index, read_only=read_only)


def _connect(index: Path, *, read_only: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{index.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = FAST")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
        if read_only:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if 0 < version <= _WITHOUT_DEVICES:
                connection.executescript(_STAND_INS)
            if 0 < version <= _WITHOUT_MOVING:
                connection.executescript(_STAND_INS_FOR_MOVING)
            if 0 < version <= _WITHOUT_TAKEN_OFF:
                connection.executescript(_STAND_IN_FOR_TAKEN_OFF)
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def migrate(index: Path, *, new: bool = False) -> None:
    """Bring *index* up to date, or make it, if it may be *new*.

    The caller holds the shard's writer lock.

    Raises:
        StoreUnavailable: this SQLite is too old, the index is from a newer Pillarbox, or it
            is missing or empty and not *new*.
        sqlite3.Error: it is damaged or cannot be written.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise StoreUnavailable(
            f"SQLite {sqlite3.sqlite_version} is too old: {needed} is needed", temporary=False
        )
    if new:
        os.close(os.open(index, os.O_RDWR | os.O_CREAT, 0o600))
    elif problem := lost(index):
        raise problem
    connection = _connect(index)
    try:
        _migrate(connection, index, new=new)
    finally:
        connection.close()


def is_current(index: Path) -> bool:
    """Whether *index* is there and has had every migration. Takes no lock.

    Raises:
        StoreUnavailable: it is from a newer Pillarbox.
        sqlite3.Error: it is damaged or cannot be read.
    """
    if lost(index):
        return False
    with closing(_connect(index, read_only=True)) as connection:
        return version_of(connection, index) == len(MIGRATIONS)


def version_of(connection: sqlite3.Connection, index: Path) -> int:
    """How many migrations *index* has had; 0: it is :func:`empty`.

    Raises:
        StoreUnavailable: more than this Pillarbox knows.
        sqlite3.Error: it is damaged.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise StoreUnavailable(
            f"index {index} has version {version}, this Pillarbox knows {len(MIGRATIONS)}: "
            "install the newer Pillarbox that wrote it",
            temporary=False,
        )
    return version


def _migrate(connection: sqlite3.Connection, index: Path, *, new: bool) -> None:
    version = version_of(connection, index)
    if version == len(MIGRATIONS):
        return
    if version == 0 and not new:
        raise empty(index)
    if version == 0:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        # executescript commits an open transaction first, hence the BEGIN inside.
        connection.executescript(f"BEGIN IMMEDIATE;{script};PRAGMA user_version = {number};COMMIT")
