"""Giving space back to the file system after deletions, in steps of bounded length.

SQLite keeps the pages of deleted rows for itself. Some are worth keeping: mail comes as it goes, and
the next deliveries use them. The others are moved to the end of the file and cut off (incremental
vacuum), which costs as much as deleting them did.
None of this has to survive a power cut, so these transactions are not synced: the next
synced one carries them along.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence

STEP_PAGES = 64
"""Pages given back in one step (256 KiB), between which others get their turn: about a
millisecond. Larger steps save little (experiments/store.md)."""
SPARE_PAGES = 256
"""Free pages that are kept at least (1 MiB)."""
SPARE_PART = 8
"""Kept is also one page in so many of the file: a post office where days go by and mail comes and goes
moves no pages for nothing, and its index is at most by so much larger than its mail."""
_SOON_MILLISECONDS = 20


def give_back(sql: sqlite3.Connection, unlinked: Sequence[int]) -> bool:
    """One step: forget the *unlinked* bodies, cut off pages. Whether there is more to do.

    The caller holds the writer lock.
    """
    with _unsynced(sql):
        if unlinked:
            forget(sql, unlinked)
        (free,) = sql.execute("PRAGMA freelist_count").fetchone()
        excess = min(STEP_PAGES, free - _spare(sql)) if free > SPARE_PAGES else 0
        if excess <= 0:
            return False
        # Not by execute(): that takes the one step of this statement, a page, for all of it.
        sql.executescript(f"PRAGMA incremental_vacuum({excess})")
        return True


def _spare(sql: sqlite3.Connection) -> int:
    """Free pages that are kept."""
    (all_pages,) = sql.execute("PRAGMA page_count").fetchone()
    return max(SPARE_PAGES, int(all_pages) // SPARE_PART)


def forget(sql: sqlite3.Connection, unlinked: Sequence[int]) -> None:
    """Take bodies off the list of the doomed: their files are gone."""
    sql.executemany("DELETE FROM doomed WHERE id = ?", [(body,) for body in unlinked])


def cut_log(sql: sqlite3.Connection) -> None:
    """Copy the write-ahead log into the index, which cuts both files to size.

    The caller holds the writer lock: SQLite before 3.51.3 can lose what was committed when
    another connection begins the log anew in the same instant (sqlite.org/wal.html#walresetbug).
    SQLite's own copying happens in commits, hence under that lock, too. Waits only a moment for
    readers: the next checkpoint will do as well.
    """
    (timeout,) = sql.execute("PRAGMA busy_timeout").fetchone()
    sql.execute(f"PRAGMA busy_timeout = {_SOON_MILLISECONDS}")
    try:
        sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        sql.execute(f"PRAGMA busy_timeout = {timeout}")


@contextlib.contextmanager
def _unsynced(sql: sqlite3.Connection) -> Iterator[None]:
    sql.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        sql.execute("PRAGMA synchronous = FULL")
