"""What an engine gives so that a maildrop can be moved into it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pillarbox.contracts.transfer import MARK_OCTETS, MovedMessage, MovedView, mark_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an earlier move has left in a maildrop."""

    origin: str
    next_seq: int
    """Of the last time that was completed, all below it has been brought; 0: it never was."""
    complete: bool
    marks: frozenset[bytes]
    """Of all messages that were ever brought."""


class Coming(NamedTuple):
    """One message on its way."""

    message: MovedMessage
    """If it is deleted, the views that are here and do not list it are not to list it here, either."""
    data: bytes
    """Its stored form."""


@dataclass(frozen=True, slots=True)
class Completion:
    """How a maildrop is to be left."""

    origin: str
    next_seq: int
    """Below it everything has been brought."""
    views: Sequence[MovedView]
    """All that there are to be from now on, whatever has been here; none: leave them as they are."""
    messages: Sequence[MovedMessage]
    """All that is there, in order, with the views that do not list it; none where views are left as they
    are: what these do not list was said when it was put."""
    gone: Sequence[str]
    """Unique-ids of messages that are to be removed."""

    @property
    def mirrors(self) -> bool:
        """Whether the maildrop becomes what it is there."""
        return bool(self.views)


class Landing(Protocol):
    """A maildrop that another one is moved into, locked unless it is only looked at."""

    @property
    def views(self) -> Sequence[MovedView]:
        """As they are here; none: there is no maildrop yet."""

    @property
    def messages(self) -> Sequence[MovedMessage]:
        """Those that are here, in order."""

    @property
    def arrival(self) -> Arrival | None:
        """What an earlier move has left; None: there was none."""

    @property
    def used(self) -> bool:
        """Whether a view has been opened, added or removed here since the last move; without one:
        ever. And whether a move began that did not mirror.
        """

    async def begin(self, origin: str, *, mirrors: bool) -> None:
        """Close the maildrop for all but this move; made if there is none.

        Args:
            origin: of what comes.
            mirrors: whether this move mirrors. If not, the maildrop counts as ``used`` from now on, also if this
                move is broken off: what it brings, no other must take for deleted.
        """

    async def put(self, batch: Sequence[Coming]) -> None:
        """Add messages, with their marks, and hide them from the views that have deleted them; all of it, or
        nothing.
        """

    async def complete(self, completion: Completion) -> None:
        """Do what it says, and open the maildrop. Where views are left as they are, what is deleted and on the
        list of none of them goes.
        """


def marks_in(text: bytes) -> Iterator[bytes]:
    """The marks of a text of them, one behind the other."""
    return (text[n : n + MARK_OCTETS] for n in range(0, len(text), MARK_OCTETS))


def marks_of(batch: Sequence[Coming]) -> bytes:
    """The marks of these messages, one behind the other."""
    return b"".join(mark_of(coming.message.unique_id) for coming in batch)
