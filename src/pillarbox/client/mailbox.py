"""An open mailbox: what POP3 can do with it, asynchronously.

A mailbox is used from one task at a time. An operation that is cancelled or given up half
way leaves the mailbox in order: the next one passes over what is left of it. After
:class:`~pillarbox.client.errors.Unreachable`, :class:`~pillarbox.client.errors.TimedOut` or
:class:`~pillarbox.client.errors.OutOfStep` it is closed, and every call raises that again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from pillarbox.client.batch import Batch
from pillarbox.client.capabilities import Capabilities
from pillarbox.client.conversation import Conversation
from pillarbox.client.endpoint import Endpoint
from pillarbox.client.errors import Refused, TooLarge
from pillarbox.client.limits import FIRST_WINDOW, MAX_READ, MAX_WINDOW
from pillarbox.client.proof import Proof
from pillarbox.client.quirks import Quirk
from pillarbox.client.retrieval import Retrieval
from pillarbox.client.window import Window
from pillarbox.wire.errors import RemoteProtocolError
from pillarbox.wire.listings import (
    Scan,
    Scans,
    Stat,
    UniqueId,
    UniqueIds,
    parse_scan,
    parse_scans,
    parse_stat,
    parse_unique_id,
    parse_unique_ids,
)
from pillarbox.wire.verbs import Verb

_T = TypeVar("_T")


class Listings(NamedTuple):
    """LIST and UIDL of all messages."""

    scans: Scans
    unique_ids: UniqueIds | None
    """None when the server has no UIDL."""


class Mailbox:
    """A mailbox after the sign-in; :func:`pillarbox.connect` opens one."""

    def __init__(
        self,
        conversation: Conversation,
        endpoint: Endpoint,
        greeting: str,
        capabilities: Capabilities,
        mechanism: str,
        quirks: frozenset[Quirk],
    ) -> None:
        self.endpoint = endpoint
        self.greeting = greeting
        self.capabilities = capabilities
        """As announced after the sign-in."""
        self.mechanism = mechanism
        """How we signed in: a SASL mechanism, ``USER`` or ``APOP``."""
        self.quirks = quirks
        self.pipelining = capabilities.pipelining
        """Whether commands are sent without waiting. May be set: False where a server announces
        it and cannot do it, True where it can and does not announce it."""
        self._conversation = conversation
        self._window = Window()
        self._closed = False

    # What there is.

    async def stat(self) -> Stat:
        """How many messages there are, and their octets.

        Raises:
            Refused, OutOfStep, Unreachable: see there, here and below.
        """
        status = await self._conversation.ask(Verb.STAT)
        return self._understood(parse_stat, status.octets)

    async def list(self, number: int | None = None) -> Sequence[Scan]:
        """The sizes of all messages, or of one."""
        if number is not None:
            status = await self._conversation.ask(Verb.LIST, number)
            scan = self._understood(parse_scan, status.octets)
            self._must_be_of(number, scan.number, Verb.LIST)
            return [scan]
        return parse_scans(await self._content(Verb.LIST)).entries

    async def uidl(self, number: int | None = None) -> Sequence[UniqueId]:
        """The unique-ids of all messages, or of one.

        Raises:
            Refused: also when the server does not know UIDL.
        """
        if number is not None:
            status = await self._conversation.ask(Verb.UIDL, number)
            unique_id = self._understood(parse_unique_id, status.octets)
            self._must_be_of(number, unique_id.number, Verb.UIDL)
            return [unique_id]
        return parse_unique_ids(await self._content(Verb.UIDL)).entries

    async def listings(self) -> Listings:
        """Sizes and unique-ids of all messages, in one round trip if possible.

        Lines that could not be understood are counted, for callers that have to know whether
        a listing is whole.

        Raises:
            Refused: the server refuses LIST, or UIDL though it announces it.
        """
        conversation = self._conversation
        list_turn = conversation.say(Verb.LIST)
        uidl_turn = conversation.say(Verb.UIDL) if self.pipelining else 0
        await conversation.accepted(list_turn)
        scans = parse_scans(await conversation.listing(list_turn))
        try:
            await conversation.accepted(uidl_turn or (uidl_turn := conversation.say(Verb.UIDL)))
        except Refused:
            if self.capabilities.offers(Verb.UIDL):
                raise  # then it is a failure, and not a server that has none
            return Listings(scans, None)
        return Listings(scans, parse_unique_ids(await conversation.listing(uidl_turn)))

    # Messages.

    def retrieve(self, number: int) -> Retrieval:
        """One message, piece by piece; nothing is sent before it is iterated over or read."""
        return Retrieval(self._conversation, number)

    def retrieve_many(
        self,
        numbers: Iterable[int],
        *,
        sizes: Mapping[int, int] | None = None,
        window: int | None = None,
        last: UniqueId | None = None,
    ) -> Batch:
        """Many messages, pipelined if the server can do that.

        Args:
            numbers: message-numbers, in the order in which they are wanted.
            sizes: octets by message-number, from LIST; they bound what is under way.
            window: commands under way at most; by default it adapts.
            last: what :meth:`Batch.in_step` is to ask for; best the last of the messages.

        A message that is refused raises :class:`Refused` when it is read; the others go on.
        """
        most = (window or MAX_WINDOW) if self.pipelining else 1
        self._window = Window(most, self._window.size)  # what one batch has learnt, the next knows
        proof = Proof(self._conversation, last)
        return Batch(self._conversation, numbers, sizes or {}, self._window, proof)

    async def top(self, number: int, lines: int = 0, max_octets: int = MAX_READ) -> bytes:
        """The header of a message, and so many lines of its body.

        Raises:
            TooLarge: it is more than *max_octets*.
        """
        turn = self._conversation.say(Verb.TOP, number, lines)
        await self._conversation.accepted(turn)
        pieces: list[bytes] = []
        octets = 0
        while (piece := await self._conversation.piece(turn)) is not None:
            octets += len(piece)
            if octets > max_octets:
                raise TooLarge(f"the top of message {number} has more than {max_octets} octets")
            pieces.append(piece)
        return _without_second_status(b"".join(pieces))

    async def delete(self, number: int) -> None:
        """Mark a message as deleted; it goes with QUIT."""
        await self._conversation.ask(Verb.DELE, number)

    async def delete_many(self, numbers: Iterable[int]) -> Sequence[Refused | None]:
        """Mark messages as deleted; what was refused stands in its place in the result."""
        waiting = list(numbers)
        size = MAX_WINDOW if self.pipelining else 1
        results: list[Refused | None] = []
        # The first few show whether the server can do it at all, if messages have not yet.
        step = size if self._window.size > FIRST_WINDOW else min(FIRST_WINDOW, size)
        while len(results) < len(waiting):
            results += await self._delete_some(waiting[len(results) : len(results) + step])
            step = size
        return results

    async def _delete_some(self, numbers: Sequence[int]) -> Sequence[Refused | None]:
        turns = [self._conversation.say(Verb.DELE, number) for number in numbers]
        results: list[Refused | None] = []
        for turn in turns:
            try:
                await self._conversation.accepted(turn)
            except Refused as refused:
                results.append(refused)
            else:
                results.append(None)
        return results

    async def reset(self) -> None:
        """Take all deletion marks back."""
        await self._conversation.ask(Verb.RSET)

    async def noop(self) -> None:
        """Keep the session alive."""
        await self._conversation.ask(Verb.NOOP)

    async def in_step(self, last: UniqueId | None = None) -> None:
        """Make sure that every reply so far belongs to its command.

        Nothing in POP3 says how long a message is, so before messages are trusted one more
        command has to be answered (:mod:`pillarbox.client.proof`): what the unique-id of *last*
        is, or how many messages there are. What is under way is passed over.

        Raises:
            OutOfStep: it was not. What was retrieved in this session may be cut or mixed up.
        """
        await Proof(self._conversation, last).holds()

    # Endings.

    async def quit(self) -> None:
        """End the session: messages marked as deleted go now.

        Raises:
            Refused: the server did not remove all of them.
            Unreachable: its answer was lost. They may be gone or not.
            OutOfStep: something had come that nobody asked for. QUIT was not said.
        """
        if self._closed:
            return
        try:
            await self._conversation.connection.listen()
            await self._conversation.ask(Verb.QUIT)
        finally:
            await self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            await self.quit()
        else:
            await self.close()

    async def close(self) -> None:
        """Hang up without QUIT: nothing is deleted."""
        if not self._closed:
            self._closed = True
            await self._conversation.close()

    async def _content(self, verb: Verb) -> bytes:
        turn = self._conversation.say(verb)
        await self._conversation.accepted(turn)
        return await self._conversation.listing(turn)

    def _must_be_of(self, wanted: int, number: int, verb: Verb) -> None:
        if number != wanted:
            raise self._conversation.fail(f"its reply to {verb} is about another message")

    def _understood(self, parse: Callable[[bytes], _T], octets: bytes) -> _T:
        try:
            return parse(octets)
        except RemoteProtocolError as error:
            raise self._conversation.fail(str(error)) from None


def _without_second_status(top: bytes) -> bytes:
    """What TOP gave, without the second ``+OK`` that some servers put in front of it.

    It cannot be a header field, whose name has no space in it (RFC 5322, section 2.2).
    """
    status, _, rest = top.partition(b"\n")
    return rest if status.rstrip(b"\r") == b"+OK" or status.startswith(b"+OK ") else top
