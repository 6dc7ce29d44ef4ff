"""Clearing away what a crash left behind; when a store is opened to work on it.

Looks at three places only, none of which grows with the mail: staged files that nobody
locks, body files numbered beyond every row, and the list of the doomed. Only when a delivery
has died the names of all body files are read: new mail may have got its number since, in
another process, or as the sweep was put off. Unlinked is only what ``bodies`` says: the
doomed, and what a delivery that died had staged, under all its names. Other files beyond
every row are mail that the index does not know: they are left in their place, their numbers
are never given out, and ``maildrop check`` reports them.

A sweep can be put off: what it would take away is in nobody's way. (New mail whose number
has a file already moves that to ``lost``.)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from pathlib import Path

import structlog

from pillarbox.store.embedded.bodies import BodyFiles, Inode, clear_away
from pillarbox.store.embedded.tidy import forget
from pillarbox.store.embedded.transaction import last_body, retire
from pillarbox.store.embedded.turns import turn

_log = structlog.get_logger("pillarbox.store")


def sweep_staging(abandoned: Iterable[Path]) -> int:
    """Unlink *abandoned* staged files that still are, after the shards were swept; how many.

    Raises:
        OSError: the folder cannot be written.
    """
    return sum(clear_away(path) for path in abandoned)


def sweep_shard(
    sql: sqlite3.Connection,
    turns: Path,
    bodies: BodyFiles,
    abandoned: Collection[Inode],
    *,
    briefly: bool,
) -> int:
    """Unlink body files of deliveries and deletions that a crash cut short; how many.

    Looks without the writer lock, and acts under it.

    Args:
        sql: the index.
        turns: the writer lock.
        bodies: the body files.
        abandoned: the staged files whose deliveries had died before this was called.
        briefly: do not wait long for the lock.

    Raises:
        WriterLockHeld: somebody else has the lock; nothing has been done.
        OSError, sqlite3.Error: it cannot be done.
    """
    linked = bodies.linked_to(abandoned)
    if not (_doomed(sql) or bodies.beyond(last_body(sql)) or _without_row(sql, linked)):
        return 0
    with turn(turns, briefly=briefly):
        beyond = bodies.beyond(last_body(sql))
        found = _doomed(sql) + _without_row(sql, bodies.leavings(linked, abandoned))
        unknown = set(beyond).difference(found)
        for body in found:
            bodies.unlink(body)
        sql.execute("BEGIN IMMEDIATE")
        try:
            forget(sql, found)
            if unknown:
                retire(sql, max(unknown))
        except sqlite3.Error:
            sql.execute("ROLLBACK")
            raise
        sql.execute("COMMIT")
        bodies.drop_empty_folders(last_body(sql))
    if unknown:
        _log.error(
            "there are body files that the index does not know: has it been restored from an older "
            "backup? Nothing was removed; see: pillarbox maildrop check",
            folder=str(bodies.folder),
            files=len(unknown),
        )
    return len(found)


def _doomed(sql: sqlite3.Connection) -> list[int]:
    return [body for (body,) in sql.execute("SELECT id FROM doomed").fetchall()]


def _without_row(sql: sqlite3.Connection, bodies: list[int]) -> list[int]:
    """Those of *bodies* whose files no row owns: their deliveries were not committed."""
    owned = "SELECT 1 FROM bodies WHERE id = ? AND data IS NULL"
    return [body for body in bodies if not sql.execute(owned, (body,)).fetchall()]
