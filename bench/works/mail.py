"""Who has which mail at first."""

from __future__ import annotations

from collections.abc import Iterable

from bench.peers.contract import Mail

SMALL = 5_000
LARGE = 5_000_000
TINY = 500
POLLED = tuple(f"user{number}" for number in range(8))
"""With 50 small messages each."""
RECEIVERS = tuple(f"in{number}" for number in range(50))
"""With nothing at first: mail is delivered to them."""
BIG = "hundred-thousand"
DRAINED = "drained"
_IDLER = "idle"
_QUICK_IDLERS = 150
"""Fewer, and a page more or less of the server is what is measured."""
_SPARE = 8
"""Idlers beyond those that are counted."""


def idlers(users: Iterable[str]) -> list[str]:
    """Those who sign in and say nothing."""
    return [user for user in users if user.startswith(_IDLER)]


def idle_sessions(share: float) -> tuple[int, ...]:
    """How many there are at once; ten thousand are for a whole bench only."""
    return (1000, 10_000) if share == 1 else (max(int(1000 * share), _QUICK_IDLERS),)


def maildrops(share: float) -> dict[str, Mail]:
    """Of everybody; *share* of the large numbers."""
    return {
        **dict.fromkeys(POLLED, Mail(50, SMALL)),
        "large": Mail(4, LARGE),
        BIG: Mail(int(100_000 * share), TINY),
        DRAINED: Mail(int(10_000 * share), SMALL),
        **dict.fromkeys(RECEIVERS, Mail(0)),
        **{f"{_IDLER}{number}": Mail(0) for number in range(idle_sessions(share)[-1] + _SPARE)},
    }
