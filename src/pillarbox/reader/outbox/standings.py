"""How long an account, or a message, waits after a failure, and why."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from pillarbox.fetch.backoff import HOUR, JITTER
from pillarbox.reader.outbox.troubles import Offline, Stopped, Trouble

FIRST = 30.0
"""Seconds after the first failure: a laptop that was just opened."""
LONGEST = HOUR
"""Mail goes on being tried for ever; a server that is down must not be asked more often."""
_MOST_DOUBLINGS = 16
"""FIRST that often doubled is past LONGEST by far, and still a number."""

Random = Callable[[float, float], float]


def pause(failures: int, rand: Random = random.uniform) -> float:
    """Seconds to wait after so many failures in a row."""
    doubled: float = FIRST * 2 ** min(max(failures - 1, 0), _MOST_DOUBLINGS)
    return min(doubled, LONGEST) * rand(1 - JITTER, 1 + JITTER)


def due_at(moment: float, now: float, most: float = LONGEST * (1 + JITTER)) -> float:
    """*moment*, to which something waits. Who waits for more than *most* seconds from now was told so by a clock that was wrong,
    and need not: 0.
    """
    return moment if moment <= now + most else 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Of an account that cannot be sent from now. Not kept over a restart: then it is tried at once."""

    problem: str
    failures: int
    next_try: float | None
    """POSIX time; None: when the user says so, or the account has been changed."""
    network: bool


def standing_after(before: Standing | None, trouble: Trouble, now: float, rand: Random) -> Standing:
    """What one more *trouble* makes of an account."""
    failures = (before.failures if before else 0) + 1
    stopped = isinstance(trouble, Stopped)
    until = None if stopped else now + pause(failures, rand)
    return Standing(str(trouble), failures, until, isinstance(trouble, Offline))
