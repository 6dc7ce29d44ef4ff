"""The record of imports of a post office on one machine: a SQLite file for each user, beside the store.

It is held exclusively while an import runs, which keeps two of them from storing everything twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from pillarbox.app.importing.journal import JournalUnusable
from pillarbox.room import is_lack_of_room

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    digest BLOB NOT NULL PRIMARY KEY,
    octets INTEGER NOT NULL,
    stored INTEGER NOT NULL DEFAULT 0,
    begun INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""


def journal_path(store: Path, user: str) -> Path:
    """Where the record of *user* lies; a normalised name is safe as a file's."""
    return store / "imports" / f"{user}.db"


def forget_imports(store: Path, user: str) -> None:
    """Remove the record of *user*, who is being removed."""
    path = journal_path(store, user)
    for file in (path, path.with_name(f"{path.name}-journal")):
        file.unlink(missing_ok=True)


class FileJournal:
    """The record of one maildrop (a :class:`.journal.Journal`); use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=0, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = DELETE")
            self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.execute("BEGIN IMMEDIATE")
            self._file.execute(_SCHEMA)
            self._file.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    async def stored(self) -> dict[bytes, int]:
        return dict(self._file.execute("SELECT digest, stored FROM message WHERE stored > 0"))

    async def unsettled(self) -> dict[bytes, tuple[int, int, int]]:
        rows = self._file.execute(
            "SELECT digest, octets, stored, begun FROM message WHERE begun > 0"
        )
        return {digest: (octets, stored, begun) for digest, octets, stored, begun in rows}

    async def begin(self, messages: Iterable[tuple[bytes, int]]) -> None:
        self._change(
            "INSERT INTO message (digest, octets, begun) VALUES (?, ?, 1) "
            "ON CONFLICT (digest) DO UPDATE SET begun = begun + 1",
            messages,
        )

    async def settle(self, outcomes: Iterable[tuple[bytes, bool]]) -> None:
        self._change(
            "UPDATE message SET begun = begun - 1, stored = stored + ?2 WHERE digest = ?1",
            outcomes,
        )

    async def settle_all(self, there: Mapping[bytes, int]) -> None:
        self._change(
            "UPDATE message SET begun = 0, stored = stored + ?2 WHERE digest = ?1", there.items()
        )

    async def forget(self) -> None:
        self._change("DELETE FROM message WHERE ? = ''", [("",)])

    def _change(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        try:
            self._file.execute("BEGIN")
            self._file.executemany(statement, rows)
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> JournalUnusable:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            return JournalUnusable(
                f"another import into this maildrop is running (it holds {self._path})"
            )
        if is_lack_of_room(error, self._path.parent):
            return JournalUnusable(
                f"no room to write the record of imports {self._path}: {error}; free space"
            )
        return JournalUnusable(
            f"the record of imports {self._path} cannot be used: {error}; if it is damaged, "
            "remove it, and an import will store again what it stored before"
        )
