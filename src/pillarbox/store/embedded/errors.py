"""The one place where failures of SQLite and of the file system become domain errors.

What trying again may cure (a full disk, an I/O error, a busy or unreachable file) is
*temporary*: mail is then asked to come back. What only an operator can cure (a damaged or
foreign index) is not. Every text names the file and, where one is known, the remedy.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from pillarbox.contracts.errors import StoreUnavailable

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PERHAPS_FULL = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
"""What SQLite also says when it finds no room for the files that it keeps beside the index."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def unavailable(error: Exception, path: Path) -> StoreUnavailable:
    """The domain error for *error*, met while working on *path*."""
    if isinstance(error, StoreUnavailable):
        return error
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(error, path)
    if isinstance(error, OSError) and error.errno in _FULL:
        return StoreUnavailable(f"no room to write {path}: {error}; free space", temporary=True)
    return StoreUnavailable(f"cannot use {path}: {error}", temporary=True)


def is_damage(error: Exception) -> bool:
    """Whether *error* says that an index file is damaged, or no index at all."""
    return isinstance(error, sqlite3.Error) and _code(error) in _DAMAGED


def is_locked(error: Exception) -> bool:
    """Whether *error* says that another program has kept SQLite's own lock for too long."""
    return isinstance(error, sqlite3.Error) and _code(error) == sqlite3.SQLITE_BUSY


def _from_sqlite(error: sqlite3.Error, path: Path) -> StoreUnavailable:
    if is_damage(error):
        return StoreUnavailable(
            f"index {path} is damaged: {error}; stop the server and restore the file from a "
            "backup, or rebuild it with sqlite3's .recover",
            temporary=False,
        )
    code = _code(error)
    if code == sqlite3.SQLITE_FULL or (code in _PERHAPS_FULL and _is_full(path.parent)):
        return StoreUnavailable(f"no room to write {path}: {error}; free space", temporary=True)
    return StoreUnavailable(f"cannot use {path}: {error}", temporary=True)


def _is_full(folder: Path) -> bool:
    """Whether the file system has no blocks or no inodes left for this user."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    # Some file systems count no inodes: they report none in all.
    return found.f_bavail == 0 or (found.f_files > 0 and found.f_favail == 0)


def _code(error: sqlite3.Error) -> int | None:
    """SQLite's primary result code; errors of Python's own module carry none."""
    extended: int | None = getattr(error, "sqlite_errorcode", None)
    return None if extended is None else extended & 0xFF
