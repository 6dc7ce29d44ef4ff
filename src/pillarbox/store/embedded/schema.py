"""The index of one shard: its tables, its migrations, and how a connection is set up.

``maildrops``
    One row a user. ``next_seq`` only ever grows: sequence numbers order a maildrop and are
    never given twice. ``messages`` and ``octets`` are kept up to date by every write, so
    that opening a maildrop reads one row and no listing.
``views``
    One row for each device's eyes on a maildrop; only ``default`` exists so far. ``epoch``
    is part of what a session locks (see ``locks``): raising it takes the lock away.
``messages``
    The listing, clustered by maildrop (WITHOUT ROWID), so that LIST and UIDL read
    neighbouring pages.
``bodies``
    One row for each body, shared by ``refs`` messages. ``data`` is NULL when the body is a
    file. Numbers are never used twice (AUTOINCREMENT), so a file's name means one body.
``doomed``
    Body files whose rows are gone but which may not be unlinked yet: what a crash between
    the two leaves behind can be found without a search.
``pulse``
    One row, written by the health check.
"""

from __future__ import annotations

import os
import sqlite3
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
)
"""Statement scripts; the index's user_version says how many of them it has had."""


def connect(index: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to *index*; it may be used from any one thread at a time.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
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
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def migrate(index: Path) -> None:
    """Make *index*, or bring it up to date; the caller holds the shard's writer lock.

    Raises:
        StoreUnavailable: this SQLite is too old, or the index is from a newer Pillarbox.
        sqlite3.Error: it is damaged or cannot be written.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise StoreUnavailable(
            f"SQLite {sqlite3.sqlite_version} is too old: {needed} is needed", temporary=False
        )
    os.close(os.open(index, os.O_RDWR | os.O_CREAT, 0o600))
    connection = connect(index)
    try:
        _migrate(connection, index)
    finally:
        connection.close()


def _migrate(connection: sqlite3.Connection, index: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise StoreUnavailable(
            f"index {index} has version {version}, this Pillarbox knows {len(MIGRATIONS)}: "
            "install the newer Pillarbox that wrote it",
            temporary=False,
        )
    if version == len(MIGRATIONS):
        return
    if version == 0:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        # executescript commits an open transaction first, hence the BEGIN inside.
        connection.executescript(f"BEGIN IMMEDIATE;{script};PRAGMA user_version = {number};COMMIT")
