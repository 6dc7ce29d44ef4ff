"""Writing to one shard: a thread, and one transaction for all that waits for it.

The sync to disk is what a write costs, so whatever has come together (in the ``backlog``)
during one commit goes together into the next (group commit). When a transaction fails as a
whole (the disk is full), its jobs are tried again one by one, so that one message too large
does not take the small ones with it.

The processes that share a shard take turns (see ``turns``). The thread first waits for its
turn and then takes the jobs: those that came meanwhile go along, and those that have been
given up meanwhile are not there any more.

After the answers have been given the thread unlinks what was deleted, and when nothing
waits it tidies up.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.store.embedded import tidy
from pillarbox.store.embedded.backlog import Backlog, answer
from pillarbox.store.embedded.bodies import BodyFiles
from pillarbox.store.embedded.errors import is_locked, unavailable
from pillarbox.store.embedded.schema import SameFile, connect
from pillarbox.store.embedded.transaction import Job, Transaction
from pillarbox.store.embedded.turns import Turns, held, no_thread

T = TypeVar("T")

JOIN_SECONDS = 0.1
"""Between two looks at a thread that should end and does not."""

_log = structlog.get_logger("pillarbox.store")


class Writer:
    """The writer of one shard in this process. Its thread starts with the first job."""

    __slots__ = (
        "_bodies",
        "_closed",
        "_doomed",
        "_index",
        "_leavings",
        "_same",
        "_shrunk",
        "_sql",
        "_thread",
        "_turns",
        "_unlinked",
        "_untidy",
        "backlog",
    )

    def __init__(self, index: Path, turns: Path, bodies: BodyFiles, same: SameFile) -> None:
        self._index = index
        self._same = same
        self._turns = Turns(turns)
        self._bodies = bodies
        self.backlog = Backlog(self._why_nothing_was_begun, self._tell_of_wait)
        self._thread: threading.Thread | None = None
        self._closed = False
        self._sql: sqlite3.Connection | None = None
        self._doomed: list[int] = []  # to be unlinked
        self._unlinked: list[int] = []  # to be forgotten by the index
        self._leavings: set[int] = set()  # linked in vain (see Transaction)
        self._untidy = False
        self._shrunk = False

    def submit(self, job: Job[T]) -> asyncio.Future[T | Exception]:
        """Queue *job*. It runs even when the future is cancelled, if it does not wait too long.

        Raises:
            StoreUnavailable: the store has been closed.
        """
        job.loop = asyncio.get_running_loop()
        job.future = job.loop.create_future()
        if self._thread is None and not self._closed:
            try:
                self._thread = self._started()
            except RuntimeError as error:  # before the job is in line: it would run later
                answer([job], [no_thread(self._index, error)])
                return job.future
        self.backlog.put(job)
        return job.future

    def _started(self) -> threading.Thread:
        """The thread, running.

        Raises:
            RuntimeError: the system gives none.
        """
        thread = threading.Thread(
            target=self._work, name=f"pillarbox-{self._index.parent.name}", daemon=True
        )
        thread.start()
        return thread

    def close(self) -> None:
        """Finish what is queued, or give it up in its time, and stop; blocks until then.

        A thread that stands in line for its turn cannot be called back. It is left there: it
        will find that there is nothing to do any more.
        """
        self._closed = True
        self.backlog.close()
        while self._thread is not None:
            self._thread.join(JOIN_SECONDS)
            if not self._thread.is_alive():
                self._thread = None
            elif self._turns.are_held_up:
                self.backlog.give_up_what_may_be_dropped()
                if not self.backlog:
                    return
            self.backlog.give_up_overdue()

    def _tell_of_wait(self) -> None:
        if self._turns.are_held_up:
            self._turns.tell_of_wait()

    def _why_nothing_was_begun(self) -> StoreUnavailable:
        """For jobs that are given up."""
        patience = self.backlog.patience
        if self._turns.are_held_up:
            return held(self._turns.path)
        return StoreUnavailable(
            f"writing to {self._index} takes too long: a job has waited {patience:g} seconds for "
            "others to end; see how busy the disk is, and whether it works",
            temporary=True,
        )

    # All below runs in the writer's thread.

    def _work(self) -> None:
        while self.backlog.wait():
            answer(*self._next_batch())
            self._unlink_doomed()
            if self._untidy and not self.backlog:
                self._tidy()
        self._drop_connection()

    def _next_batch(self) -> tuple[list[Job[Any]], list[Any]]:
        """Take the turn, and run what then waits: nothing, if all has been given up."""
        try:
            turn = self._turns.take()
        except OSError as error:  # the lock file itself
            jobs = self.backlog.take()
            return jobs, [unavailable(error, self._turns.path)] * len(jobs)
        try:
            jobs = self.backlog.take()
            return jobs, self._outcomes_in_turn(jobs) if jobs else []
        finally:
            self._turns.give_back(turn)

    def _outcomes_in_turn(self, jobs: Sequence[Job[Any]]) -> list[Any]:
        try:
            return self._transact(jobs)
        except Exception as error:  # noqa: BLE001 - the writer must outlive any job
            self._drop_connection()
            if len(jobs) == 1 or is_locked(error):  # each would wait as long again
                return [self._translated(error)] * len(jobs)
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
            while self._untidy and not self.backlog and not self._closed:
                turn = self._turns.take()
                try:
                    if self._closed:  # perhaps a long time ago
                        return
                    self._untidy = tidy.give_back(self._connection(), self._unlinked)
                    self._shrunk = self._shrunk or self._untidy
                    if self._shrunk and not self._untidy:
                        tidy.cut_log(self._connection())
                        self._shrunk = False
                finally:
                    self._turns.give_back(turn)
                self._unlinked.clear()
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
