"""Writing to one shard: a thread, a queue, and one transaction for all that waits in it.

The sync to disk is what a write costs, so whatever has queued up during one commit goes
together into the next (group commit). When a transaction fails as a whole (the disk is
full), its jobs are tried again one by one, so that one message too large does not take the
small ones with it.

The processes that share a shard take turns by an flock on ``writer.lock``: it wakes the
next one at once, while SQLite's own waiting sleeps and is not fair (experiments/store.md).

After the answers have been given the thread unlinks what was deleted, and when nothing
waits it tidies up.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.store.embedded import tidy
from pillarbox.store.embedded.bodies import BodyFiles
from pillarbox.store.embedded.errors import unavailable
from pillarbox.store.embedded.schema import SameFile, connect
from pillarbox.store.embedded.transaction import Job, Transaction

T = TypeVar("T")

BATCH_JOBS = 256
"""At most so many jobs share a transaction, so that other processes get their turn."""
BATCH_BYTES = 16 * 1024 * 1024
"""And about so many bytes of small bodies, so that the write-ahead log stays bounded."""

_log = structlog.get_logger("pillarbox.store")


@contextlib.contextmanager
def turn(path: Path) -> Iterator[None]:
    """Hold the writer lock *path* of a shard; waits until it is free.

    Raises:
        OSError: the lock file cannot be used.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Writer:
    """The writer of one shard in this process. Its thread starts with the first job."""

    __slots__ = (
        "_bodies",
        "_closed",
        "_doomed",
        "_index",
        "_leavings",
        "_queue",
        "_same",
        "_shrunk",
        "_sql",
        "_thread",
        "_turns",
        "_unlinked",
        "_untidy",
    )

    def __init__(self, index: Path, turns: Path, bodies: BodyFiles, same: SameFile) -> None:
        self._index = index
        self._same = same
        self._turns = turns
        self._bodies = bodies
        self._queue: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._sql: sqlite3.Connection | None = None
        self._doomed: list[int] = []  # to be unlinked
        self._unlinked: list[int] = []  # to be forgotten by the index
        self._leavings: set[int] = set()  # linked in vain (see Transaction)
        self._untidy = False
        self._shrunk = False

    def submit(self, job: Job[T]) -> asyncio.Future[T | Exception]:
        """Queue *job*. It runs even when the future is cancelled.

        Raises:
            StoreUnavailable: the store has been closed.
        """
        if self._closed:
            raise StoreUnavailable("the store has been closed", temporary=True)
        job.loop = asyncio.get_running_loop()
        job.future = job.loop.create_future()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, name=f"pillarbox-{self._index.parent.name}", daemon=True
            )
            self._thread.start()
        self._queue.put(job)
        return job.future

    def close(self) -> None:
        """Finish what is queued and stop; blocks until then."""
        self._closed = True
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    # All below runs in the writer's thread.

    def _work(self) -> None:
        going_on = True
        while going_on:
            jobs, going_on = self._next_batch()
            if jobs:
                _answer(jobs, self._outcomes(jobs))
                self._unlink_doomed()
            if self._untidy and self._queue.empty():
                self._tidy()
        self._drop_connection()

    def _next_batch(self) -> tuple[list[Job[Any]], bool]:
        """What waits, up to the limits, at least one job; False: none will follow."""
        jobs: list[Job[Any]] = []
        weight = 0
        with contextlib.suppress(queue.Empty):
            while len(jobs) < BATCH_JOBS and weight < BATCH_BYTES:
                job = self._queue.get(block=not jobs)
                if job is None:
                    return jobs, False
                jobs.append(job)
                weight += job.weight
        return jobs, True

    def _outcomes(self, jobs: Sequence[Job[Any]]) -> list[Any]:
        try:
            with turn(self._turns):
                return self._outcomes_in_turn(jobs)
        except OSError as error:  # the lock file itself
            return [unavailable(error, self._turns)] * len(jobs)

    def _outcomes_in_turn(self, jobs: Sequence[Job[Any]]) -> list[Any]:
        try:
            return self._transact(jobs)
        except Exception as error:  # noqa: BLE001 - the writer must outlive any job
            self._drop_connection()
            if len(jobs) == 1:
                return [self._translated(error)]
        return [outcome for job in jobs for outcome in self._outcomes_in_turn([job])]

    def _transact(self, jobs: Sequence[Job[Any]]) -> list[Any]:
        """Run and commit *jobs* in one transaction.

        Raises:
            Exception: it failed as a whole and has been undone.
        """
        self._same.confirm()
        transaction = Transaction(self._connection(), self._bodies, self._leavings)
        transaction.sql.execute("BEGIN IMMEDIATE")
        try:
            tidy.forget(transaction.sql, self._unlinked)
            outcomes = [self._translated(transaction.outcome(job)) for job in jobs]
            doomed = transaction.commit()
        except BaseException as error:
            transaction.roll_back(error)
            raise
        self._unlinked.clear()
        self._doomed += doomed
        self._untidy = self._untidy or any(job.frees_space for job in jobs)
        return outcomes

    def _translated(self, outcome: Any) -> Any:
        if isinstance(outcome, sqlite3.Error | OSError):
            return unavailable(outcome, self._index)
        return outcome

    def _unlink_doomed(self) -> None:
        doomed, self._doomed = self._doomed, []
        for body in doomed:
            try:
                self._bodies.unlink(body)
            except OSError as error:  # it stays on the list of the doomed for the next sweep
                _log.warning(
                    "cannot remove a body file", file=str(error.filename), error=str(error)
                )
            else:
                self._unlinked.append(body)

    def _tidy(self) -> None:
        """Give space back as long as no job waits, and nobody for the end."""
        try:
            while self._untidy and self._queue.empty() and not self._closed:
                with turn(self._turns):
                    self._untidy = tidy.give_back(self._connection(), self._unlinked)
                self._unlinked.clear()
                self._shrunk = self._shrunk or self._untidy
            if self._shrunk and not self._untidy:
                tidy.cut_log(self._connection())
                self._shrunk = False
        except (sqlite3.Error, OSError, StoreUnavailable) as error:
            self._untidy = False
            self._drop_connection()
            _log.warning("cannot give space back", file=str(self._index), error=str(error))

    def _connection(self) -> sqlite3.Connection:
        if self._sql is None:
            self._sql = connect(self._index)
        return self._sql

    def _drop_connection(self) -> None:
        """Start afresh next time: after a failure nothing is taken on trust."""
        sql, self._sql = self._sql, None
        if sql is not None:
            with contextlib.suppress(sqlite3.Error):
                sql.close()


def _answer(jobs: Sequence[Job[Any]], outcomes: Sequence[Any]) -> None:
    """Hand out the outcomes: one wake-up for each event loop that waits."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for job, outcome in zip(jobs, outcomes, strict=True):
        by_loop.setdefault(job.loop, []).append((job.future, outcome))
    for loop, answers in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(_resolve, answers)
    for job in jobs:
        job.settled()


def _resolve(answers: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in answers:
        if not future.done():
            future.set_result(outcome)
