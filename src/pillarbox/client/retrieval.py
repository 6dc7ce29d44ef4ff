"""One message on its way."""

from __future__ import annotations

from typing import Self

from pillarbox.client.conversation import Conversation
from pillarbox.client.errors import ClientError, TooLarge
from pillarbox.client.limits import MAX_READ
from pillarbox.wire.verbs import Verb

_GIVEN_UP = "the message was given up half way: retrieve it again"


class Retrieval:
    """A message that comes piece by piece: an asynchronous iterator of bytes.

    The pieces are unstuffed and have the line ends that the server sent. Whatever ends the
    iteration early is an exception, and the same one at each further try: a message that was
    cut off, refused or given up never looks whole. (A server that forgets to stuff dots can
    still end one early: that takes a proof, see
    :meth:`pillarbox.client.mailbox.Mailbox.in_step`.)
    """

    __slots__ = ("_begun", "_conversation", "_ended", "_fault", "_turn", "number")

    def __init__(self, conversation: Conversation, number: int, turn: int | None = None) -> None:
        """*turn*: of its RETR; None: it is said when the first piece is asked for."""
        self.number = number
        """Its message-number."""
        self._conversation = conversation
        self._turn = turn
        self._begun = False
        self._ended = False
        self._fault: Exception | None = None  # why it cannot be had whole any more

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next piece.

        Raises:
            Refused: the server does not hand out this message; others may do.
            ClientError: the session has ended.
            RuntimeError: it was passed over, or given up half way.
        """
        if self._fault is not None:
            raise self._fault
        if self._ended:
            raise StopAsyncIteration
        if not self._begun:
            await self._begin()
        assert self._turn is not None  # noqa: S101 -- what begins has one
        piece = await self._conversation.piece(self._turn)
        if piece is None:
            self._ended = True
            raise StopAsyncIteration
        return piece

    async def read(self, max_octets: int = MAX_READ) -> bytes:
        """All that has not been read yet.

        Raises:
            TooLarge: it is more than *max_octets*; what came is given up.
            Refused: the server does not hand out this message; others may do.
            ClientError: the session has ended.
        """
        try:
            pieces = await self._pieces(max_octets)
        except BaseException as error:
            # What came is lost: the rest must not be taken for the message.
            self._fault = error if isinstance(error, ClientError) else RuntimeError(_GIVEN_UP)
            raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _pieces(self, max_octets: int) -> list[bytes]:
        pieces: list[bytes] = []
        octets = 0
        async for piece in self:
            octets += len(piece)
            if octets > max_octets:
                raise TooLarge(
                    f"message {self.number} has more than {max_octets} octets; retrieve it again, "
                    "and iterate over it instead of reading it whole, or allow more"
                )
            pieces.append(piece)
        return pieces

    async def _begin(self) -> None:
        if self._turn is None:
            self._turn = self._conversation.say(Verb.RETR, self.number)
        try:
            await self._conversation.accepted(self._turn)
        except ClientError as error:
            self._fault = error
            raise
        self._begun = True
