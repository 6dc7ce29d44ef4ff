"""How one knows that messages have come whole.

Nothing in POP3 says how long a message is. A server that does not stuff dots ends one early,
and what is left of it is read as the replies to the commands behind it: a sender can write them.
So a message is not proved by a good status behind it. What proves it is the reply to one more
command, which nobody but the server can have written: the unique-id of a message, which its sender
never gets to see. If replies have slipped anywhere before it, another reply stands in its
place.
"""

from __future__ import annotations

import re

from pillarbox.client.conversation import Conversation
from pillarbox.wire.client import Status
from pillarbox.wire.errors import RemoteProtocolError
from pillarbox.wire.listings import UniqueId, parse_scan, parse_stat, parse_unique_id
from pillarbox.wire.states import Outcome
from pillarbox.wire.verbs import Verb

_TWO_NUMBERS = re.compile(rb"\s*\d+\s+-?\d+(?:\s|$)")  # the size may be negative, see listings


class Proof:
    """One more command, behind all that has been said so far."""

    __slots__ = ("_conversation", "_last", "_turn")

    def __init__(self, conversation: Conversation, last: UniqueId | None) -> None:
        """*last*: a message and its unique-id, as listed in this session; without an id of its
        own, empty. None: the number of messages has to do, which proves less.
        """
        self._conversation = conversation
        self._last = last
        self._turn = 0

    def say_ahead(self) -> None:
        """Put the command into the next write, if a message was named: who names none may not
        even want a proof.
        """
        if self._last is not None:
            self._say()

    def _say(self) -> None:
        if self._turn:
            return
        say = self._conversation.say
        if self._last is None:
            self._turn = say(Verb.STAT)
        else:
            verb = Verb.UIDL if self._last.unique_id else Verb.LIST
            self._turn = say(verb, self._last.number)

    def forget(self) -> None:
        """Its reply has been passed over, together with others that are asked for again."""
        self._turn = 0

    async def holds(self) -> None:
        """Wait for its reply.

        Raises:
            OutOfStep: it is another one. What was retrieved may be cut or mixed up.
            ClientError: the session has ended.
        """
        if not self._turn:
            await self._conversation.connection.listen()
            self._say()
        status = await self._conversation.status(self._turn)
        if status.outcome is not Outcome.OK and self._last is not None:
            # It knows no UIDL of one message, or to read that one was to delete it.
            status = await self._conversation.status(self._conversation.say(Verb.STAT))
        try:
            self._check(status)
        except RemoteProtocolError as error:
            raise self._conversation.fail(str(error)) from None
        await self._conversation.connection.listen()
        self._conversation.check_silence()

    def _check(self, status: Status) -> None:
        """Whether it is the reply that it has to be.

        Raises:
            RemoteProtocolError: it is not.
        """
        if status.outcome is not Outcome.OK:
            raise RemoteProtocolError(
                f"it refuses {status.verb}, so nothing proves what it has sent"
            )
        if status.verb is Verb.STAT or self._last is None:
            _check_stat(status.octets)
        elif status.verb is Verb.LIST:
            # Not the size: some servers say another one each time.
            if parse_scan(status.octets).number != self._last.number:
                raise RemoteProtocolError("its reply to LIST is about another message")
        elif parse_unique_id(status.octets) != self._last:
            raise RemoteProtocolError("its reply to UIDL is not what it listed")


def _check_stat(text: bytes) -> None:
    """Whether it is a drop listing with both of its numbers: ``120 octets`` is RETR's.

    Raises:
        RemoteProtocolError: it is none.
    """
    parse_stat(text)
    if not _TWO_NUMBERS.match(text):
        raise RemoteProtocolError("its reply to STAT is none")
