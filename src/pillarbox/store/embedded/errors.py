"""The one place where failures of SQLite and of the file system become domain errors.

What trying again may cure (a full disk, an I/O error, a busy or unreachable file) is
*temporary*: mail is then asked to come back. What only an operator can cure (a damaged or
foreign index) is not. Every text names the file and, where one is known, the remedy.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.room import is_lack_of_room

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def unavailable(error: Exception, path: Path) -> StoreUnavailable:
    """The domain error for *error*, met while working on *path*."""
    if isinstance(error, StoreUnavailable):
        return error
    if is_damage(error):
        return StoreUnavailable(
            f"index {path} is damaged: {error}; stop the server and restore the file from a "
            "backup, or rebuild it with sqlite3's .recover",
            temporary=False,
        )
    if is_lack_of_room(error, path.parent):
        return StoreUnavailable(f"no room to write {path}: {error}; free space", temporary=True)
    return StoreUnavailable(f"cannot use {path}: {error}", temporary=True)


def is_damage(error: Exception) -> bool:
    """Whether *error* says that an index file is damaged, or no index at all."""
    return isinstance(error, sqlite3.Error) and _code(error) in _DAMAGED


def is_locked(error: Exception) -> bool:
    """Whether *error* says that another program has kept SQLite's own lock for too long."""
    return isinstance(error, sqlite3.Error) and _code(error) == sqlite3.SQLITE_BUSY


def _code(error: sqlite3.Error) -> int | None:
    """SQLite's primary result code; errors of Python's own module carry none."""
    extended: int | None = getattr(error, "sqlite_errorcode", None)
    return None if extended is None else extended & 0xFF
