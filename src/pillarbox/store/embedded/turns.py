"""The writer lock of a shard: the processes that share it take turns at writing.

It is an flock on ``writer.lock``: it wakes the next one at once and in order, while SQLite's
own waiting sleeps and is not fair (experiments/store.md). A turn takes milliseconds. But the
lock can be held for long: by a process that was stopped in the middle of its turn, by a
backup tool, by a slow repair. The kernel knows no flock with a deadline, and trying again
and again would neither be fair nor let anything sleep. So who waits, waits in the kernel, and
somebody else watches the clock:

* The server's writer (:class:`Turns`) has a thread of its own, which stands in line for as
  long as it takes. The jobs are not in its hands meanwhile: ``backlog`` gives them up when
  they have waited too long.
* Who has no such thread (:func:`turn`: at the start, and in ``maildrop check``) makes one when
  the lock is not free at once, and leaves it behind when it gives up. It lets go of the lock as
  soon as it gets it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import structlog

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.lock_holder import holder_of

NOTICE_SECONDS = 1.0
"""After so long a wait is told of: turns of a disk that works are a hundred times shorter."""
TURN_SECONDS = 10.0
"""So long :func:`turn` waits: an operator should not sit before a command that is silent for
longer, and none that works holds the lock for a tenth of it."""

_REMEDY = "let that process finish, have it go on (kill -CONT), or end it"

_log = structlog.get_logger("pillarbox.store")


class WriterLockHeld(StoreUnavailable):
    """Somebody else has held the lock for too long."""


def held(path: Path) -> WriterLockHeld:
    """What to say to those whose patience has ended; names the holder where it is known."""
    return WriterLockHeld(
        f"{path} is locked by {holder_of(path) or 'a process that is not known'}, so that "
        f"nothing can be written there: {_REMEDY}",
        temporary=True,
    )


def no_thread(path: Path, error: RuntimeError) -> StoreUnavailable:
    """What to say when the system gives no thread, for whatever it takes to write to *path*."""
    return StoreUnavailable(
        f"cannot start a thread to write to {path}: {error}; raise the limit of tasks "
        "(systemd: TasksMax) or of memory",
        temporary=True,
    )


@contextlib.contextmanager
def turn(path: Path, *, briefly: bool = False) -> Iterator[None]:
    """Hold the writer lock *path*; waits for :data:`TURN_SECONDS` at most, and says so.

    Who can do without it waits *briefly*: for :data:`NOTICE_SECONDS`, and in silence.

    Raises:
        WriterLockHeld: it has not become free.
        StoreUnavailable: it is not free, and there is no thread to wait in.
        OSError: the lock file cannot be used.
    """
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _wait_in_line(descriptor, path, briefly=briefly)
    except BaseException:
        os.close(descriptor)
        raise
    try:
        yield
    finally:
        _let_go(descriptor)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _let_go(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # whatever close says, the lock is gone
        os.close(descriptor)


def _wait_in_line(descriptor: int, path: Path, *, briefly: bool) -> None:
    """Lock *descriptor*; closes it, now or when its turn comes, if that takes too long."""
    granted: Future[None] = Future()
    waiting = threading.Thread(target=_stand_in_line, args=(descriptor, granted), daemon=True)
    try:
        waiting.start()
    except RuntimeError as error:
        os.close(descriptor)
        raise no_thread(path, error) from error
    try:
        _wait_for(granted, path, briefly=briefly)
    except BaseException:
        if not granted.cancel():  # then the thread closes it
            os.close(descriptor)
        raise


def _stand_in_line(descriptor: int, granted: Future[None]) -> None:
    problem = None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        problem = error
    if not granted.set_running_or_notify_cancel():
        os.close(descriptor)
    elif problem is not None:
        granted.set_exception(problem)
    else:
        granted.set_result(None)


def _wait_for(granted: Future[None], path: Path, *, briefly: bool) -> None:
    with contextlib.suppress(TimeoutError):
        return granted.result(NOTICE_SECONDS)
    if not briefly:
        _tell_of_wait(path)
        with contextlib.suppress(TimeoutError):
            return granted.result(TURN_SECONDS - NOTICE_SECONDS)
    if granted.cancel():
        raise held(path)
    return granted.result()  # in the last moment


def _tell_of_wait(path: Path) -> None:
    _log.warning(
        "waiting for the lock of another process",
        file=str(path),
        holder=holder_of(path) or "unknown",
        remedy=_REMEDY,
    )


class Turns:
    """The turns of one shard's writer. Only its thread takes them; others may ask."""

    __slots__ = ("_told", "_waiting_since", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting_since: float | None = None
        self._told = False
        """Whether the wait that goes on now has been told of."""

    def take(self) -> int:
        """Wait in the kernel until the lock is free; what is to be given back.

        Raises:
            OSError: the lock file cannot be used.
        """
        descriptor = _opened(self.path)
        try:
            self._waiting_since = time.monotonic()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except BaseException:
            os.close(descriptor)
            raise
        finally:
            self._waiting_since = None
        if self._told:
            self._tell_of_the_end()
        return descriptor

    def give_back(self, taken: int) -> None:
        """The turn is over."""
        _let_go(taken)

    @property
    def are_held_up(self) -> bool:
        """Whether the lock is taking notably long to come."""
        since = self._waiting_since
        return since is not None and time.monotonic() - since >= NOTICE_SECONDS

    def tell_of_wait(self) -> None:
        """Say, once, that the lock is held up."""
        if not self._told:
            self._told = True
            _tell_of_wait(self.path)

    def _tell_of_the_end(self) -> None:
        self._told = False
        _log.warning("the lock has come; writing goes on", file=str(self.path))
