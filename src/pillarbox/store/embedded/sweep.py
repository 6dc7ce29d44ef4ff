"""Clearing away what a crash left behind; at every start, and quick when there is nothing.

Looks at three places only, none of which grows with the mail: staged files that nobody
locks, body files numbered beyond every row, and the list of the doomed. Files that got lost
in other ways are for ``maildrop check`` to find.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from pillarbox.store.embedded.bodies import BodyFiles, abandoned
from pillarbox.store.embedded.tidy import forget
from pillarbox.store.embedded.writer import turn

_LAST_BODY = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'bodies'), 0)"


def sweep_staging(staging: Path) -> int:
    """Unlink staged bodies whose writers are dead; how many there were.

    Raises:
        OSError: the folder cannot be read or written.
    """
    swept = 0
    for path in abandoned(staging):
        with contextlib.suppress(FileNotFoundError):  # somebody else sweeps as well
            path.unlink()
            swept += 1
    return swept


def sweep_shard(sql: sqlite3.Connection, turns: Path, bodies: BodyFiles) -> int:
    """Unlink body files of deliveries and deletions that a crash cut short; how many.

    Looks without the writer lock, and acts under it.

    Raises:
        OSError, sqlite3.Error: it cannot be done.
    """
    if not _left_behind(sql, bodies):
        return 0
    with turn(turns):
        found = _left_behind(sql, bodies)
        for body in found:
            bodies.unlink(body)
        sql.execute("BEGIN IMMEDIATE")
        try:
            forget(sql, found)
        except sqlite3.Error:
            sql.execute("ROLLBACK")
            raise
        sql.execute("COMMIT")
        bodies.drop_empty_folders(last_body(sql))
    return len(found)


def last_body(sql: sqlite3.Connection) -> int:
    """The highest number that a body of this shard ever had."""
    return int(sql.execute(_LAST_BODY).fetchone()[0])


def _left_behind(sql: sqlite3.Connection, bodies: BodyFiles) -> list[int]:
    doomed = [body for (body,) in sql.execute("SELECT id FROM doomed").fetchall()]
    return doomed + bodies.beyond(last_body(sql))
