"""Is there room on the disk? What errors say of it, and what they hide.

SQLite says "disk I/O error" or "unable to open database file", too, when it finds no room for
the files that it keeps beside a database. An operator who reads that looks for a broken disk,
or takes the file for damaged, when all that is wanted is space.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PERHAPS_FULL = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})


def is_lack_of_room(error: Exception, folder: Path) -> bool:
    """Whether *error*, met in *folder*, comes from a disk (or a quota, or a limit) that is full."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # Python's own errors have none
        return code == sqlite3.SQLITE_FULL or (code in _PERHAPS_FULL and _is_full(folder))
    return isinstance(error, OSError) and error.errno in _FULL


def _is_full(folder: Path) -> bool:
    """Whether the file system has no blocks or no inodes left for this user."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    # Some file systems count no inodes: they report none in all.
    return found.f_bavail == 0 or (found.f_files > 0 and found.f_favail == 0)
