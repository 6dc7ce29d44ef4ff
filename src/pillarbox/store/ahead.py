"""Bodies that are read before they are asked for.

Who collects mail asks for one message after the other. To read a few together costs half of
what it costs to read them one by one, so with the second of two in a row those that follow are
read, too. They wait here, in one place for all sessions of a process (or of one shard of the embedded
engine in it), until they are asked for, or their session ends or turns elsewhere.

The place is bounded. What waits for sessions that stop halfway is let go after a moment: a session
that says nothing holds nothing. While all that have something here are going on, others read one
by one: what waits here is not thrown away only to be read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

WINDOW_OCTETS = 64 * 1024
"""Once so much has been read no more is: 13 messages of 5 kB, and then one more saves little."""
WINDOW_MESSAGES = 64
"""Messages read together at the most, however small they are."""
ALL_OCTETS = 4 * 1024 * 1024
"""Once so much waits no more is read: some 60 sessions that collect at the same moment."""
STALE_SECONDS = 2.0
"""After so long without a question a session is taken to have stopped. Who is slower than this from
one message to the next has nothing read ahead: it would be let go and read again each time."""

Row = TypeVar("Row", bound=Sequence[Any])
"""Of a message, as an engine has it: first comes the sequence number, last its body if that is in
the index or the database (None: it lies elsewhere).
"""


def window(rows: Iterable[Row]) -> list[Row]:
    """Of *rows* those that are to be read together; the others are not even looked at.

    It ends with a body that lies elsewhere: such a one saves nothing, and must be opened as soon as
    its row is read.
    """
    taken: list[Row] = []
    octets = 0
    for row in rows:
        taken.append(row)
        data = row[-1]
        if data is None:
            break
        octets += len(data)
        if octets >= WINDOW_OCTETS or len(taken) == WINDOW_MESSAGES:
            break
    return taken


@dataclass(slots=True)
class _Waiting(Generic[Row]):
    """What waits for one session."""

    since: float
    """When it last asked for some of it."""
    octets: int
    bodies: dict[int, Row]
    """By sequence number."""


class ReadAhead(Generic[Row]):
    """What waits for all sessions of one place. Times are seconds of any one clock."""

    __slots__ = ("_limit", "_waiting", "octets")

    def __init__(self, limit: int = ALL_OCTETS) -> None:
        self._limit = limit
        self._waiting: dict[object, _Waiting[Row]] = {}  # who has asked last is last
        self.octets = 0
        """Of all bodies of those sessions for which any still waits."""

    def take(self, whose: object, seq: int, now: float) -> Row | None:
        """What waits of message *seq*, and from now on does not; None: nothing.

        A session that asks for something else has turned away from what waits for it.
        """
        waiting = self._waiting.pop(whose, None)
        if waiting is None:
            return None
        found = waiting.bodies.pop(seq, None)
        if found is None or not waiting.bodies:
            self.octets -= waiting.octets
        else:
            waiting.since = now
            self._waiting[whose] = waiting
        return found

    def has_room(self, now: float) -> bool:
        """Whether one more session may read ahead; makes room where sessions have stopped."""
        if self.octets >= self._limit:
            self.let_stale_go(now)
        return self.octets < self._limit

    def let_stale_go(self, now: float) -> bool:
        """Let go what waits for sessions that have stopped; whether anything waits still."""
        for whose, waiting in list(self._waiting.items()):
            if now - waiting.since < STALE_SECONDS:
                return True
            self.let_go(whose)
        return False

    def keep(self, whose: object, rows: Sequence[Row], now: float) -> None:
        """Have *rows* wait for a session, for which nothing waits yet; not those that lie elsewhere."""
        bodies = {row[0]: row for row in rows if row[-1] is not None}
        if bodies:
            octets = sum(len(row[-1] or b"") for row in rows)
            self._waiting[whose] = _Waiting(now, octets, bodies)
            self.octets += octets

    def let_go(self, whose: object) -> None:
        """A session wants nothing any more of what waits for it."""
        waiting = self._waiting.pop(whose, None)
        if waiting is not None:
            self.octets -= waiting.octets
