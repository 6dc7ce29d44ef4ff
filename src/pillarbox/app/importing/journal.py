"""What has been imported into a maildrop, so that an import can be broken off and repeated.

A message is known by the SHA-256 of its stored form. For each there are two counts:
``stored``, the copies that an import has put into the maildrop, and ``begun``, the copies
of which this is not certain: they were announced here, durably, before they were handed
to the store, and the import ended before it could note the outcome. The next import finds
those by looking into the maildrop.

So a message that a user has collected and deleted does not come back when the import is
run again, and mail that came to the source meanwhile does come.

One SQLite file for each user, beside the store; held exclusively while an import runs,
which keeps two of them from storing everything twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from pillarbox.contracts.errors import PillarboxError
from pillarbox.room import is_lack_of_room

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    digest BLOB NOT NULL PRIMARY KEY,
    octets INTEGER NOT NULL,
    stored INTEGER NOT NULL DEFAULT 0,
    begun INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""


class JournalUnusable(PillarboxError):
    """The record of imports cannot be read or written; says which file, and the remedy."""


def journal_path(store: Path, user: str) -> Path:
    """Where the record of *user* lies; a normalised name is safe as a file's."""
    return store / "imports" / f"{user}.db"


def forget_imports(store: Path, user: str) -> None:
    """Remove the record of *user*, who is being removed."""
    path = journal_path(store, user)
    for file in (path, path.with_name(f"{path.name}-journal")):
        file.unlink(missing_ok=True)


class Journal:
    """The record of one maildrop; use it as a context manager."""

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

    def stored(self) -> dict[bytes, int]:
        """How many copies of each message are in the maildrop by an import."""
        return dict(self._file.execute("SELECT digest, stored FROM message WHERE stored > 0"))

    def unsettled(self) -> dict[bytes, tuple[int, int, int]]:
        """``digest: (octets, stored, begun)`` of what the last import left uncertain."""
        rows = self._file.execute(
            "SELECT digest, octets, stored, begun FROM message WHERE begun > 0"
        )
        return {digest: (octets, stored, begun) for digest, octets, stored, begun in rows}

    def begin(self, messages: Iterable[tuple[bytes, int]]) -> None:
        """Announce ``(digest, octets)`` that are about to be stored; durable on return."""
        self._change(
            "INSERT INTO message (digest, octets, begun) VALUES (?, ?, 1) "
            "ON CONFLICT (digest) DO UPDATE SET begun = begun + 1",
            messages,
        )

    def settle(self, outcomes: Iterable[tuple[bytes, bool]]) -> None:
        """Note, for as many announced copies, whether each is in the maildrop now."""
        self._change(
            "UPDATE message SET begun = begun - 1, stored = stored + ?2 WHERE digest = ?1",
            outcomes,
        )

    def settle_all(self, there: Mapping[bytes, int]) -> None:
        """End all uncertainty: *there* says how many uncertain copies were found."""
        self._change(
            "UPDATE message SET begun = 0, stored = stored + ?2 WHERE digest = ?1", there.items()
        )

    def forget(self) -> None:
        """Begin anew: everything will be imported again."""
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
