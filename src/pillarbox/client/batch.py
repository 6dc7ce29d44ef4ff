"""Many messages, with the commands for the next ones always ahead of the replies."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple, Self

from pillarbox.client.conversation import Conversation
from pillarbox.client.limits import ASSUMED_SIZE
from pillarbox.client.proof import Proof
from pillarbox.client.retrieval import Retrieval
from pillarbox.client.window import Window
from pillarbox.wire.verbs import Verb


class _UnderWay(NamedTuple):
    number: int
    turn: int
    octets: int


class Batch:
    """An asynchronous iterator of retrievals.

    The consumer may read each to its end, in part, or not at all: what is left of one is
    passed over when the next is asked for. One who leaves early leaves replies under way;
    they are passed over, too, by whatever is asked next.

    A consumer that says other commands between the messages (DELE, for one) has that happen
    in the middle: what was passed over is asked for again, and from there on one message at
    a time. That is right, and slow; many deletions are better left for the end.
    """

    __slots__ = (
        "_conversation",
        "_last",
        "_numbers",
        "_proof",
        "_sizes",
        "_under_way",
        "_waiting",
        "_window",
    )

    def __init__(
        self,
        conversation: Conversation,
        numbers: Iterable[int],
        sizes: Mapping[int, int],
        window: Window,
        proof: Proof,
    ) -> None:
        """*sizes*: octets by message-number, as far as known."""
        self._conversation = conversation
        self._numbers: Iterator[int] = iter(numbers)
        self._sizes = sizes
        self._window = window
        self._proof = proof
        self._waiting: int | None = next(self._numbers, None)  # the next that is to be asked for
        self._under_way: deque[_UnderWay] = deque()
        self._last: _UnderWay | None = None  # handed out

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Retrieval:
        """The next message, before its status has come.

        Raises:
            ClientError: the session has ended.
        """
        if self._last is not None:
            self._window.landed(self._last.octets)
            self._last = None
        if self._under_way and self._conversation.has_passed(self._under_way[0].turn):
            self._start_over()
        if self._window.is_low or not self._conversation.has_unread:
            self._top_up()
        if not self._under_way:
            raise StopAsyncIteration
        self._last = self._under_way.popleft()
        return Retrieval(self._conversation, self._last.number, self._last.turn)

    def _start_over(self) -> None:
        """What was under way has been passed over: ask again, with nothing ahead."""
        lost = [message.number for message in self._under_way]
        self._under_way.clear()
        if self._waiting is not None:
            lost.append(self._waiting)
        self._numbers = chain(lost, self._numbers)
        self._waiting = next(self._numbers)
        self._window = Window(1)
        self._proof.forget()

    async def in_step(self) -> None:
        """Make sure that the messages which have been read are whole, see
        :meth:`pillarbox.client.mailbox.Mailbox.in_step`. Without a round trip of its own, if a
        message was named for it and the server can pipeline.

        Raises:
            OutOfStep: they need not be.
        """
        await self._proof.holds()

    def _top_up(self) -> None:
        """Ask for as many as the window has room for, in one write."""
        while self._waiting is not None:
            octets = self._sizes.get(self._waiting) or ASSUMED_SIZE
            if not self._window.has_room(octets):
                break
            turn = self._conversation.say(Verb.RETR, self._waiting)
            self._under_way.append(_UnderWay(self._waiting, turn, octets))
            self._window.sent(octets)
            self._waiting = next(self._numbers, None)
        if self._waiting is None and self._window.most > 1:
            self._proof.say_ahead()
        self._conversation.flush()
