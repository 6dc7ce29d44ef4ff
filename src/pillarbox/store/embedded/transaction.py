"""What is written together: jobs, and the transaction that they share.

Each job is isolated by a savepoint, and the body files that it links belong to it: one that
is refused (a quota, a lost lock) leaves no trace and harms no other.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from pillarbox.store.embedded.bodies import BodyFiles, Staged

T = TypeVar("T")

_LAST_BODY = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'bodies'), 0)"


class Job(ABC, Generic[T]):
    """Something to be written. It may be run more than once: only its last run counts."""

    __slots__ = ("future", "loop", "since")

    loop: asyncio.AbstractEventLoop
    since: float
    """When it was queued, by the monotonic clock."""
    future: asyncio.Future[T | Exception]
    """Given the job's outcome, never an exception: nobody may be left to look at it."""

    frees_space = False
    may_be_dropped = False
    """Whether the end of the store need not wait for it when others hold up the writer."""

    @property
    def weight(self) -> int:
        """About how many bytes it writes into the index."""
        return 0

    @abstractmethod
    def run(self, transaction: Transaction) -> T:
        """Do it, in the writer's thread. An exception refuses the job and undoes it."""

    def settled(self) -> None:
        """Its outcome is final (in the thread that has found it out)."""


class Transaction:
    """What a job may do: SQL on ``sql``, and files that stand or fall with it."""

    __slots__ = ("_bodies", "_doomed", "_leavings", "_linked", "sql")

    def __init__(
        self, sql: sqlite3.Connection, bodies: BodyFiles, leavings: set[int] | None = None
    ) -> None:
        """*leavings*: files that earlier transactions of this process linked in vain but had
        to leave; this one dooms them, or adds to them.
        """
        self.sql = sql
        self._bodies = bodies
        self._leavings = leavings if leavings is not None else set()
        self._linked: list[int] = []
        self._doomed: list[int] = []

    def link(self, staged: Staged, body: int) -> None:
        """Make the staged file the file of *body*."""
        self._bodies.link(staged.path, body, leaving=body in self._leavings)
        self._linked.append(body)  # not before: an unknown file of that number must stay

    def doom(self, bodies: Sequence[int]) -> None:
        """Have the files of *bodies*, whose rows are deleted, unlinked after the commit."""
        self.sql.executemany(
            "INSERT OR IGNORE INTO doomed (id) VALUES (?)", [(body,) for body in bodies]
        )
        self._doomed += bodies

    def outcome(self, job: Job[T]) -> T | Exception:
        """Run *job* by itself; an exception as its outcome means that it has left no trace.

        Raises:
            Exception: SQLite has rolled back the whole transaction.
        """
        linked, doomed = len(self._linked), len(self._doomed)
        self.sql.execute("SAVEPOINT job")
        try:
            outcome: T | Exception = job.run(self)
        except Exception as error:
            if not self.sql.in_transaction:
                raise
            self.sql.execute("ROLLBACK TO job")
            self._unlink_since(linked)
            del self._doomed[doomed:]
            outcome = error
        self.sql.execute("RELEASE job")
        return outcome

    def commit(self) -> list[int]:
        """Make it all durable; the bodies whose files can be unlinked now."""
        self._doom_leavings()
        self._bodies.sync(self._linked)
        self.sql.execute("COMMIT")
        self._leavings.clear()
        return self._doomed

    def roll_back(self, error: BaseException) -> None:
        """Undo everything, after *error* has stopped it.

        A commit whose sync failed may still turn up after a crash, as long as no other has
        taken its place in the log: then its files must be there.
        """
        with contextlib.suppress(sqlite3.Error):
            self.sql.execute("ROLLBACK")
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_FSYNC:
            self._leavings.update(self._linked)
        else:
            self._unlink_since(0)

    def _doom_leavings(self) -> None:
        """Doom those files that no row has come to own, and see that none will."""
        owned = "SELECT 1 FROM bodies WHERE id = ? AND data IS NULL"
        doomed = [
            body for body in self._leavings if not self.sql.execute(owned, (body,)).fetchall()
        ]
        if doomed:
            retire(self.sql, max(doomed))
            self.doom(doomed)

    def _unlink_since(self, first: int) -> None:
        for body in self._linked[first:]:
            try:
                self._bodies.unlink(body)
            except OSError:
                self._leavings.add(body)
        del self._linked[first:]


def last_body(sql: sqlite3.Connection) -> int:
    """The highest number that a body of this shard ever had."""
    return int(sql.execute(_LAST_BODY).fetchone()[0])


def retire(sql: sqlite3.Connection, body: int) -> None:
    """See that no body is ever given the number *body*, or one below."""
    sql.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'bodies', 0"
        " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'bodies')"
    )
    sql.execute(
        "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'bodies'",
        (body,),
    )
