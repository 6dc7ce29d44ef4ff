"""The journal's file: where it lies, its schema, and what its errors mean for the user.

One SQLite file for each account and mailbox. It is held exclusively while in use: two runs
that fetch the same mail would store it twice. With the exclusive lock the write-ahead log
needs no shared memory, and a commit is one sync.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sqlite3
from pathlib import Path

from pillarbox.domains import comparable
from pillarbox.durable import sync_folder
from pillarbox.fetch.errors import JournalBusy, JournalUnusable

STANDARD_PORTS = (110, 995)
"""They lead to the same mailbox, so they share a journal. Other ports may lead elsewhere
(tunnels to two servers): never mix what two servers mean by the same unique-id."""

MIGRATIONS = (
    """
    CREATE TABLE messages (
        unique_id TEXT NOT NULL PRIMARY KEY,
        stage INTEGER NOT NULL,
        octets INTEGER,
        first_seen REAL NOT NULL,
        stored_at REAL,
        digest BLOB,
        destination TEXT,
        token TEXT,
        vanished_at REAL
    ) WITHOUT ROWID;
    CREATE INDEX unsettled ON messages (stage) WHERE stage = 1;
    CREATE TABLE memory (name TEXT NOT NULL PRIMARY KEY, value) WITHOUT ROWID;
    """,
)
"""Statement scripts; the file's user_version says how many of them it has had."""

_NOT_IN_NAMES = r"[^A-Za-z0-9@._-]+"
_SLUG_LENGTH = 64
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_FORBIDDEN = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}


def journal_path(state: Path, host: str, port: int, user: str) -> Path:
    """Where the journal of a mailbox lies in the *state* folder.

    The name is for people; a hash in it keeps apart what looks alike.
    """
    place = comparable(host)
    if port not in STANDARD_PORTS:
        place = f"{place}:{port}"
    digest = hashlib.sha256(f"{place}\0{user}".encode("utf-8", "surrogateescape")).hexdigest()
    readable = user if "@" in user else f"{user}@{place}"
    slug = re.sub(_NOT_IN_NAMES, "_", readable).strip(".")[:_SLUG_LENGTH]
    return state / f"{slug}-{digest[:16]}.db"


def existing(path: Path) -> Path | None:
    """*path*, if there is a journal; None: there is none yet.

    Raises:
        JournalUnusable: that cannot be told.
    """
    try:
        return path if path.exists() else None
    except OSError as error:
        raise unusable(error, path) from error


def connect(path: Path | None) -> sqlite3.Connection:
    """Open the journal at *path*, made if missing, and hold it; None: one in memory only.

    Raises:
        JournalBusy: another process holds it.
        JournalUnusable: it cannot be opened, is damaged, or from a newer Pillarbox.
    """
    try:
        if path is not None and not path.exists():
            _make(path)
        connection = sqlite3.connect(
            ":memory:" if path is None else path,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )
    except (sqlite3.Error, OSError) as error:
        raise unusable(error, path) from error
    try:
        _prepare(connection, path)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise unusable(error, path) from error
        raise
    return connection


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    sync_folder(path.parent)
    sync_folder(path.parent.parent)


def _prepare(connection: sqlite3.Connection, path: Path | None) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")  # takes the lock, for good
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise JournalUnusable(
            f"the journal {path} has version {version}, this Pillarbox knows "
            f"{len(MIGRATIONS)}: install the newer Pillarbox that wrote it"
        )
    connection.execute("COMMIT")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        # executescript commits an open transaction first, hence the BEGIN inside.
        connection.executescript(f"BEGIN IMMEDIATE;{script};PRAGMA user_version = {number};COMMIT")
    connection.execute(
        "INSERT INTO memory SELECT 'owner', ? WHERE NOT EXISTS "
        "(SELECT * FROM memory WHERE name = 'owner')",
        (os.urandom(4).hex(),),
    )


def unusable(error: Exception, path: Path | None) -> JournalUnusable:
    """What to tell the user about *error*."""
    if isinstance(error, OSError):
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        advice = "make room on its disk" if full else "give write permission to its folder"
        return JournalUnusable(
            f"the journal {path} cannot be opened: {error.strerror or error}; "
            f"{advice}, or name another one with --state"
        )
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_BUSY:
        return JournalBusy(
            f"another fetch of this account is running (it holds {path}): wait until it is done"
        )
    if code in _FULL:
        return JournalUnusable(
            f"the journal {path} cannot be written: {error}; make room on its disk and try again"
        )
    if code in _FORBIDDEN:
        return JournalUnusable(
            f"the journal {path} cannot be written: {error}; "
            "give write permission to it and to its folder"
        )
    return JournalUnusable(
        f"the journal {path} is damaged ({error}): restore it from a backup, or move it away; "
        "then a new one is begun, which knows nothing: all mail that is still on the server "
        "will be retrieved again, and stored a second time where it was stored before"
    )
