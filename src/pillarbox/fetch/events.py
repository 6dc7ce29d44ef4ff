"""What a run tells whoever watches: people, logs, scripts.

A run calls ``tell(event)`` at once and on the event loop, so whoever listens must be quick.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pillarbox.fetch.plan import Plan


class Totals(NamedTuple):
    """What a run has done."""

    retrieved: int = 0
    """Messages stored that were not here before."""
    octets: int = 0
    """Theirs, as they were retrieved."""
    verified: int = 0
    """Messages retrieved once more, and found to be here."""
    deleted: int = 0
    """Messages of which the server has confirmed that it deleted them."""
    failed: int = 0
    """Messages that could not be retrieved, stored or deleted; another run will try again."""

    def __add__(self, other: object) -> Totals:
        """Figure by figure."""
        if not isinstance(other, Totals):
            return NotImplemented
        return Totals(*map(int.__add__, self, other))


class Connected(NamedTuple):
    """A session has begun."""

    place: str
    """Host and port."""
    mechanism: str
    """How it was signed in to."""


class Planned(NamedTuple):
    """The listing is known, and what will be done."""

    plan: Plan


class Retrieved(NamedTuple):
    """One more message has come whole; it is not stored yet."""

    octets: int


class Stored(NamedTuple):
    """Messages are durable at the destination."""

    messages: int


class Deleted(NamedTuple):
    """The server has confirmed that messages are deleted."""

    messages: int


class Problem(NamedTuple):
    """Something went wrong with one message or one session; the run goes on."""

    text: str
    """A sentence for the user."""


Event = Connected | Planned | Retrieved | Stored | Deleted | Problem
Tell = Callable[[Event], None]


def tell_nobody(event: Event) -> None:
    """For a run that nobody watches."""
    del event
