"""The jobs that nobody has begun yet: they wait for the writer, but not for ever.

A writer may be kept from its work for long: by a lock that another process holds (see
``turns``), by a disk that hangs. Who waits for the outcome of a job must hear in time that
nothing came of it: the sender of a message then has it still and comes again, and a client that
deletes is told that nothing was deleted.

Such an answer is a promise. A delivery that was put off and is stored all the same would be
there twice after the sender's next try; a deletion that was refused must not come after. So a
job is always in one of three hands: it waits here, or the writer has begun it, or it has been
answered. The writer takes jobs out only when it holds the lock, and then runs them at once; what
has been given up has been taken out before, under the same guard. One that the writer has begun
is never given up: its outcome is not known until it is there.

The clock is watched by the event loop that waits for the answers: by one timer for all jobs,
which is there only as long as any job waits. A job that waits no longer than usual costs nothing
for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.store.embedded.transaction import Job

BATCH_JOBS = 256
"""At most so many jobs share a transaction, so that other processes get their turn."""
BATCH_BYTES = 16 * 1024 * 1024
"""And about so many bytes of small bodies, so that the write-ahead log stays bounded."""
PATIENCE_SECONDS = 20.0
"""A job that was not begun by then is given up. POP3 clients wait 30 seconds and more for the
answer to QUIT, mail servers ten minutes for theirs (RFC 5321, section 4.5.3.2.6)."""
LOOK_SECONDS = 1.0
"""Between two looks at the clock as long as jobs wait; they are given up as much too late."""

Explain = Callable[[], StoreUnavailable]


class Backlog:
    """Jobs that wait, the oldest first. Threads share it.

    Args:
        explain: makes the outcome of jobs that are given up; called by whoever gives them up.
        notice: called by the event loop every :data:`LOOK_SECONDS` as long as jobs wait.
    """

    __slots__ = (
        "_asleep",
        "_closed",
        "_explain",
        "_guard",
        "_jobs",
        "_notice",
        "_wake",
        "_watching",
        "patience",
    )

    def __init__(self, explain: Explain, notice: Callable[[], None]) -> None:
        self.patience = PATIENCE_SECONDS
        """Seconds that a job may wait."""
        self._explain = explain
        self._notice = notice
        self._jobs: deque[Job[Any]] = deque()
        self._guard = threading.Lock()
        self._closed = False
        self._asleep = False
        self._wake: SimpleQueue[None] = SimpleQueue()
        """Wakes the writer: one for each time that it is asleep. (A Condition, which is Python
        code and wakes it under the guard, costs a tenth of a small delivery.)"""
        self._watching: asyncio.AbstractEventLoop | None = None

    def put(self, job: Job[Any]) -> None:
        """Add *job*, whose loop is the one that runs.

        Raises:
            StoreUnavailable: the backlog has been closed.
        """
        job.since = time.monotonic()
        with self._guard:
            if self._closed:
                raise StoreUnavailable("the store has been closed", temporary=True)
            self._jobs.append(job)
            wake, self._asleep = self._asleep, False
        if wake:
            self._wake.put(None)
        if self._watching is not job.loop:
            self._watch(job.loop)

    def wait(self) -> bool:
        """Until there is a job; False: there will never be one."""
        while True:
            with self._guard:
                if self._jobs or self._closed:
                    return bool(self._jobs)
                self._asleep = True
            self._wake.get()

    def take(self) -> list[Job[Any]]:
        """What waits, up to the limits, for the writer to begin now; perhaps nothing."""
        jobs: list[Job[Any]] = []
        weight = 0
        with self._guard:
            while self._jobs and len(jobs) < BATCH_JOBS and weight < BATCH_BYTES:
                jobs.append(self._jobs.popleft())
                weight += jobs[-1].weight
        return jobs

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def close(self) -> None:
        """Take no more jobs."""
        with self._guard:
            self._closed = True
            wake, self._asleep = self._asleep, False
        if wake:
            self._wake.put(None)

    def give_up_overdue(self) -> None:
        """Answer the jobs that have waited too long."""
        if jobs := self._overdue(time.monotonic() - self.patience):
            answer(jobs, [self._explain()] * len(jobs))

    def give_up_what_may_be_dropped(self) -> None:
        """Answer the jobs that nobody should wait for now."""
        with self._guard:
            jobs = [job for job in self._jobs if job.may_be_dropped]
            self._jobs = deque(job for job in self._jobs if not job.may_be_dropped)
        if jobs:
            answer(jobs, [self._explain()] * len(jobs))

    def _overdue(self, moment: float) -> list[Job[Any]]:
        jobs = []
        with self._guard:
            while self._jobs and self._jobs[0].since <= moment:
                jobs.append(self._jobs.popleft())
        return jobs

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._watching = loop
        loop.call_later(min(LOOK_SECONDS, self.patience), self._look)

    def _look(self) -> None:
        loop, self._watching = self._watching, None
        self.give_up_overdue()
        if self._jobs and loop is not None:
            self._notice()
            self._watch(loop)


def answer(jobs: list[Job[Any]], outcomes: Sequence[Any]) -> None:
    """Hand out the outcomes: one wake-up for each event loop that waits.

    *jobs* is empty by then: who has the answer may bring the next large message, and this thread may be kept
    from letting go of the last one.
    """
    waiting = [(job.loop, job.future) for job in jobs]
    while jobs:
        jobs.pop().settled()
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for (loop, future), outcome in zip(waiting, outcomes, strict=True):
        by_loop.setdefault(loop, []).append((future, outcome))
    for loop, answers in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in answers:
        if not future.done():
            future.set_result(outcome)
