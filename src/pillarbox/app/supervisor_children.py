"""Child processes: forking one, and what becomes of it.

A forked child inherits everything. What must not live on in it is closed or reset here,
at once, with signals blocked so that none falls in between: the supervisor's signal pipe
(a signal to the child would otherwise wake the supervisor), its end of the lifeline (else
the lifeline never breaks), and the listening sockets of other children (else the kernel
goes on handing connections to a socket that nobody reads).
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pillarbox.app.shared import Column

# What the supervisor listens to; none of it may run in a child before its own handlers do.
SUPERVISED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_DEFAULT_IN_CHILD = (signal.SIGTERM, signal.SIGCHLD)
_IGNORED_IN_CHILD = (signal.SIGINT, signal.SIGHUP)

# A child that has lived so long did not die of its start: it is replaced at once.
STABLE_SECONDS = 10.0
FIRST_DELAY = 0.25
LONGEST_DELAY = 30.0


@dataclass(frozen=True, slots=True)
class Child:
    """A process that runs."""

    pid: int
    column: Column
    born: float = field(default_factory=time.monotonic)

    def send(self, number: signal.Signals) -> None:
        """Signal it. Until it is reaped the pid is its own, so this never hits a stranger."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def reap(self) -> int | None:
        """Its wait status if it has ended, else None."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return status if pid else None


@dataclass(slots=True)
class Post:
    """A place that is to be manned: one worker's, or the health page's."""

    role: str
    number: int
    child: Child | None = None
    failures: int = 0
    """How often in a row the child has died young."""
    due: float | None = None
    """When to fork the next one."""

    def died(self, child: Child) -> float:
        """Plan the replacement of *child*; returns the delay in seconds."""
        now = time.monotonic()
        self.child = None
        if now - child.born >= STABLE_SECONDS:
            self.failures = 0
            delay = 0.0
        else:
            delay = min(LONGEST_DELAY, FIRST_DELAY * 2**self.failures)
            self.failures = min(self.failures + 1, 10)
        self.due = now + delay
        return delay


def fork(column: Column, forget: Callable[[], None], work: Callable[[], int]) -> Child:
    """Fork a child that runs *forget* (drop what is the supervisor's), then *work*.

    Raises:
        OSError: there is no memory or process to be had.
    """
    with _signals_blocked():
        pid = os.fork()
        if pid == 0:
            _be_child(forget, work)
    column.pid = pid
    return Child(pid, column)


def _be_child(forget: Callable[[], None], work: Callable[[], int]) -> None:
    """Never returns: whatever happens, a child must not go on as a second supervisor."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in _DEFAULT_IN_CHILD:
            signal.signal(number, signal.SIG_DFL)
        for number in _IGNORED_IN_CHILD:
            signal.signal(number, signal.SIG_IGN)
        forget()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SUPERVISED)
        code = work()
    finally:
        os._exit(code)


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    signal.pthread_sigmask(signal.SIG_BLOCK, SUPERVISED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SUPERVISED)


def describe(status: int) -> dict[str, str | int]:
    """A wait status as fields of a log line."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return {"exit_code": code}
    with contextlib.suppress(ValueError):
        return {"signal": signal.Signals(-code).name}
    return {"signal": -code}
