"""Commands and replies, each with its turn.

Every command that is said gets a number, its *turn*; replies come in the same order. Who waits
for the reply of a turn first passes over the replies of earlier ones that nobody took (a
message that was not read to its end, a call that was cancelled): so an operation that is
given up leaves nothing behind that the next one could take for its own.

Whatever ends the conversation (:class:`~pillarbox.client.errors.OutOfStep`,
:class:`~pillarbox.client.errors.Unreachable`) ends it for good.
"""

from __future__ import annotations

from collections.abc import Callable

from pillarbox.client.connection import Connection
from pillarbox.client.errors import ClientError, OutOfStep, Unreachable, refusal
from pillarbox.client.limits import MAX_LINES, MAX_LISTING
from pillarbox.wire import errors as wire_errors
from pillarbox.wire.client import ClientMachine, Content, Event, Greeting, Status
from pillarbox.wire.redact import HIDDEN, redact
from pillarbox.wire.states import Outcome
from pillarbox.wire.verbs import Verb

Trace = Callable[[str], None]
"""Gets each line of the dialogue (not contents), without secrets."""

_PASSED_OVER = "the message was passed over: another command came first"
_NOT_ALONE = "a mailbox is used by one task at a time: another one is waiting for a reply"


class Conversation:
    """One session's commands and replies."""

    __slots__ = (
        "_begun",
        "_failure",
        "_heard",
        "_outbox",
        "_said",
        "_secrets",
        "_trace",
        "_waits",
        "connection",
        "machine",
    )

    def __init__(self, connection: Connection, trace: Trace | None = None) -> None:
        self.connection = connection
        self.machine = ClientMachine()
        self._outbox: list[bytes] = []
        self._said = 0
        self._secrets: set[bytes] = set()
        self._heard = 0  # the turn whose status has come
        self._begun = False  # and whose content has not ended
        self._waits = False  # somebody does, for what comes next
        self._trace = trace
        self._failure: ClientError | None = None

    def hide(self, *secrets: str | bytes) -> None:
        """Whenever the server says one of *secrets*, what it says is not shown: some repeat what
        they refuse, and what they say ends in logs.
        """
        octets = (each.encode() if isinstance(each, str) else each for each in secrets)
        self._secrets.update(filter(None, octets))

    # Commands.

    def say(self, verb: Verb, *arguments: str | int) -> int:
        """Put a command into the next write; returns its turn.

        Raises:
            ClientError: the conversation has ended, for this reason.
        """
        self.check()
        self.check_silence()
        line = self.machine.send(verb, *arguments)
        if self._trace is not None:
            self._trace(f"C: {redact(line, self.machine.state)}")
        return self._put(line)

    def respond(self, response: bytes | None) -> int:
        """Put a response of an AUTH exchange into the next write; returns its turn."""
        self.check()
        self.check_silence()
        if self._trace is not None:
            self._trace(f"C: {HIDDEN if response is not None else '*'}")
        return self._put(self.machine.respond(response))

    def flush(self) -> None:
        """Write what has been put together."""
        if self._outbox:
            data = b"".join(self._outbox)
            self._outbox.clear()
            self.connection.write(data)

    # Replies.

    async def greeting(self) -> Greeting:
        """The server's first line."""
        event = await self._event()
        assert isinstance(event, Greeting)  # noqa: S101 -- the machine's promise
        self._show(event)
        return event

    async def status(self, turn: int) -> Status:
        """The status of that turn; what came of earlier ones is passed over.

        Raises:
            ClientError: the conversation has ended.
            RuntimeError: it was passed over before.
        """
        if self.has_passed(turn):
            raise RuntimeError(_PASSED_OVER)
        while True:
            event = self.poll()
            if event is None:
                event = await self._event()
            if isinstance(event, Status):
                self._heard += 1
                self._begun = self.machine.inside_content
                if event.outcome is Outcome.ERR or self._trace is not None:
                    event = self._discreet(event)
                self._show(event)
                if self._heard == turn:
                    return event

    async def piece(self, turn: int) -> bytes | None:
        """The next piece of the content of that turn, whose status has come; None at its end.

        Raises:
            ClientError: the conversation has ended.
            RuntimeError: the content was passed over, or has ended before.
        """
        if turn != self._heard or not self._begun:
            raise RuntimeError(_PASSED_OVER)
        event = self.poll()
        if event is None:
            event = await self._event()
        if isinstance(event, Content):
            return event.data
        self._begun = False
        return None

    async def ask(self, verb: Verb, *arguments: str | int) -> Status:
        """Say a command and wait for its status, which must be good.

        Raises:
            Refused: it is not.
            ClientError: the conversation has ended.
        """
        return await self.accepted(self.say(verb, *arguments))

    async def accepted(self, turn: int) -> Status:
        """The status of that turn, which must be good.

        Raises:
            Refused: it is not.
            ClientError: the conversation has ended.
        """
        status = await self.status(turn)
        if status.outcome is not Outcome.OK:
            raise refusal(status.verb, status.code, status.text)
        return status

    async def listing(self, turn: int, max_octets: int = MAX_LISTING) -> bytes:
        """The whole content of that turn, whose status has come.

        Raises:
            OutOfStep: it does not end.
            ClientError: the conversation has ended.
        """
        pieces: list[bytes] = []
        octets = lines = 0
        while (piece := await self.piece(turn)) is not None:
            pieces.append(piece)
            octets += len(piece)
            lines += piece.count(b"\n")
            if octets > max_octets or lines > MAX_LINES:
                raise self.fail(
                    f"it sent a listing of more than {max_octets} octets or {MAX_LINES} lines"
                )
        return b"".join(pieces)

    @property
    def has_unread(self) -> bool:
        """Whether something has come that has not been understood."""
        return self.machine.buffered > 0 or self.connection.has_unread

    def poll(self) -> Event | None:
        """What came next, if it is there; never waits.

        Raises:
            ClientError: the conversation has ended.
            RuntimeError: another task waits for it.
        """
        self._check_alone()
        try:
            while (event := self.machine.next_event()) is None:
                piece = self.connection.take()
                if piece is None:
                    return None
                self.machine.receive(piece)
        except wire_errors.Farewell as error:
            raise self._dismissed(str(error)) from None
        except wire_errors.OutOfStep as error:
            raise self.fail(str(error)) from None
        return event

    async def _event(self) -> Event:
        self.check()
        self.flush()  # nobody waits for the reply to what was not sent
        # One deadline for the whole event: who drips a line octet by octet is no better than
        # who says nothing.
        deadline = self.connection.deadline()
        while (event := self.poll()) is None:
            self._waits = True
            try:
                await self.connection.more(deadline)
            finally:
                self._waits = False
        return event

    # Endings.

    def check(self) -> None:
        """Whether the conversation goes on.

        Raises:
            ClientError: it has ended, and this is why.
            RuntimeError: another task waits for a reply.
        """
        self._check_alone()
        if self._failure is not None:
            raise self._failure

    def _check_alone(self) -> None:
        """Two that wait would take each other's replies, and mix up messages."""
        if self._waits:
            raise RuntimeError(_NOT_ALONE)

    def check_silence(self) -> None:
        """See that nothing has come that nobody asked for.

        What came before a command was said is no reply to it, however much it looks like one.

        Raises:
            OutOfStep: something has.
            Unreachable: it was a farewell.
        """
        if self.machine.outstanding:
            return
        if self.poll() is not None or self.machine.buffered:
            raise self.fail("it went on behind its last reply")

    def has_passed(self, turn: int) -> bool:
        """Whether the reply of that turn has come, and was taken or passed over."""
        return turn <= self._heard

    async def close(self) -> None:
        """Hang up."""
        if self._failure is None:
            self._failure = Unreachable("the session is over", temporary=False)
        await self.connection.close()

    def fail(self, what: str) -> ClientError:
        """End it: the server did *what*; returns the error to raise."""
        if self._failure is None:
            what = self._unquoted(what)
            self._failure = OutOfStep(
                f"{self.connection.place} broke the protocol: {what}; nothing of this session that "
                "was not confirmed before counts"
            )
            self.connection.abort(self._failure)
        return self._failure

    def _dismissed(self, what: str) -> ClientError:
        """End it: the server has done so."""
        if self._failure is None:
            what = self._unquoted(what)
            self._failure = Unreachable(f"{self.connection.place} hung up: {what}; try again later")
            self.connection.abort(self._failure)
        return self._failure

    def _discreet(self, status: Status) -> Status:
        """*status* without a text in which there is a secret."""
        told = any(secret in status.octets for secret in self._secrets)
        return status._replace(text=HIDDEN) if told else status

    def _unquoted(self, what: str) -> str:
        """*what* the server did, without its words if there is a secret in them."""
        told = any(secret.decode("utf-8", "replace") in what for secret in self._secrets)
        return what.partition(": ")[0] if told else what

    def _put(self, line: bytes) -> int:
        self._outbox.append(line)
        self._said += 1
        return self._said

    def _show(self, event: Greeting | Status) -> None:
        if self._trace is None:
            return
        if isinstance(event, Greeting):
            indicator = "+OK" if event.ok else "-ERR"
        elif event.outcome is Outcome.CHALLENGE:
            self._trace(f"S: + {HIDDEN}")
            return
        else:
            indicator = "+OK" if event.outcome is Outcome.OK else "-ERR"
        code = f" [{event.code}]" if event.code else ""
        self._trace(f"S: {indicator}{code} {event.text}".rstrip())
