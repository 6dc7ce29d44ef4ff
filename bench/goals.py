"""What must hold: ours as a fraction of the best other server's, in the same run.

The figures of a work are compared by the beginning of its name.
"""

from __future__ import annotations

from typing import NamedTuple


class Goal(NamedTuple):
    """For the works whose names begin so."""

    work: str
    at_most: float


# fmt: off
GOALS = (
    Goal("session, 50 messages, clear",      1 / 4),
    Goal("session, 50 messages, TLS",        1 / 3),
    Goal("RETR 5 kB, one at a time",         1 / 4),
    Goal("RETR 5 kB, 50 in a write",         1 / 4),
    Goal("RETR 5 MB",                        1 / 6),
    Goal("1,000 idle sessions",              1 / 15),
    Goal("100,000 messages: sign in",        1),
    Goal("100,000 messages: UIDL",           1),
    Goal("100,000 messages: LIST",           1),
    Goal("drain",                            1 / 2),
    Goal("LMTP, 1 connection",               1),
    Goal("LMTP, 32 connections",             1 / 2),
    Goal("polling clients",                  1 / 100),
)
# fmt: on


def goal(work: str) -> float | None:
    """The fraction that is wanted of *work*; None: nothing was set."""
    return next((goal.at_most for goal in GOALS if work.startswith(goal.work)), None)
