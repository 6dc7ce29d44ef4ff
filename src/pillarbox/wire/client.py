"""The client's machine: commands out; bytes in, replies out.

::

    machine = ClientMachine()
    ...
    write(machine.send(Verb.RETR, 1) + machine.send(Verb.RETR, 2))
    ...
    machine.receive(data)
    while (event := machine.next_event()) is not None:
        carry_on(event)

Sending queues an expected reply, so any number of commands may be under way (RFC 2449,
section 6.6); replies come in the order of the commands. A reply is a :class:`Status`; where
the command has a content and succeeded, pieces of :class:`Content` follow, and an
:class:`End`. Contents are passed on as they come: the machine never holds one.

Nothing in POP3 says to which command a reply belongs: its place does. So whatever cannot be a
reply means that the places have slipped, perhaps long ago, and the machine refuses to go on
(:class:`OutOfStep`). For the same reason the end of a content proves little by itself: a
server that does not stuff dots ends a message early, and what its sender wrote behind the dot
is taken for replies. :mod:`pillarbox.client.proof` tells what proves that a message is whole.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import a2b_base64
from collections import deque
from typing import NamedTuple

from pillarbox.wire.commands import RULES, Rule
from pillarbox.wire.content import ContentReader
from pillarbox.wire.errors import Farewell, LocalProtocolError, OutOfStep
from pillarbox.wire.lines import MAX_LINE
from pillarbox.wire.replies import Code
from pillarbox.wire.states import ON_COMMAND, ON_REPLY, Outcome, State
from pillarbox.wire.status import StatusLine, parse_status, readable
from pillarbox.wire.verbs import Verb

_TIMESTAMP = re.compile(rb"<[!-;=?-~]+@[!-;=?-~]+>")
"""RFC 1939, section 7, APOP. Nothing but visible ASCII: with other octets in it, a man in the
middle can find out the password bit by bit (CVE-2007-1558)."""

_FORBIDDEN = re.compile(rb"[\r\n\0]")

_MAX_QUOTED = 60
"""Octets of a line out of step that an error shows."""

_SENDERS_OWN = frozenset({Verb.RETR, Verb.TOP})
"""Contents that somebody else than the server wrote."""


class Greeting(NamedTuple):
    """The first line of a session (RFC 1939, section 4)."""

    ok: bool
    text: str
    timestamp: str | None
    """With its angle brackets; None where APOP is not offered."""
    code: Code | None = None


class Status(NamedTuple):
    """The status of the oldest command that had no reply."""

    verb: Verb
    outcome: Outcome
    text: str
    """For people; without the response code."""
    code: Code | None
    octets: bytes
    """The text as it came; of a challenge, its base64."""


class Content(NamedTuple):
    """A piece of a content: unstuffed, line ends as they came, cut anywhere."""

    data: bytes


class End(NamedTuple):
    """The content that was coming has ended."""


Event = Greeting | Status | Content | End


class _Expected(NamedTuple):
    rule: Rule
    has_content: bool


class ClientMachine:
    """One POP3 session, as the client sees it."""

    __slots__ = (
        "_broken",
        "_buffer",
        "_content",
        "_ended",
        "_expected",
        "_greeted",
        "_may_respond",
        "_position",
        "state",
    )

    def __init__(self) -> None:
        self.state = State.AUTHORIZATION
        """As the replies so far leave it."""
        self._buffer = b""
        self._position = 0
        self._expected: deque[_Expected] = deque()
        self._content: ContentReader | None = None  # of the reply that is coming
        self._ended = False  # its last piece has been given out, its end has not
        self._greeted = False
        self._may_respond = False
        self._broken: str | None = None

    @property
    def outstanding(self) -> int:
        """Commands whose replies have not come whole."""
        return len(self._expected)

    @property
    def buffered(self) -> int:
        """Octets received and not yet understood."""
        return len(self._buffer) - self._position

    @property
    def inside_content(self) -> bool:
        """The status of a reply has been given out, and the end of its content has not."""
        return self._content is not None

    def send(self, verb: Verb, *arguments: str | int) -> bytes:
        """The line of a command; its reply is expected from now on.

        Raises:
            LocalProtocolError: an argument cannot stand in a command, or nothing may be sent now.
        """
        line = " ".join([verb, *map(str, arguments)]).encode("utf-8", "surrogateescape")
        if _FORBIDDEN.search(line) or len(line) > MAX_LINE:
            raise LocalProtocolError(f"an argument of {verb} is too long or has a line end in it")
        if why := self._why_silent():
            raise LocalProtocolError(f"{verb} cannot be sent: {why}")
        rule = RULES[verb.encode()]
        self._expected.append(_Expected(rule, rule.has_content(arguments=bool(arguments))))
        return line + b"\r\n"

    def respond(self, response: bytes | None) -> bytes:
        """The line of a response inside an AUTH exchange; None cancels the exchange.

        It may also follow an ``+OK`` to AUTH: some servers say that in the place of ``+``.

        Raises:
            LocalProtocolError: no exchange is under way.
        """
        if not self._may_respond or self._broken is not None:
            raise LocalProtocolError("a response to nothing")
        self._may_respond = False
        self.state = State.SASL
        self._expected.append(_Expected(RULES[b"AUTH"], has_content=False))
        return (b"*" if response is None else b64encode(response)) + b"\r\n"

    def receive(self, data: bytes) -> None:
        """Take what was read.

        Raises:
            OutOfStep: cleartext came behind the reply to STLS, where TLS has to begin.
        """
        if self.state is State.HANDSHAKE and data:
            raise self._out_of_step("it sent cleartext behind its reply to STLS")
        if self._position == len(self._buffer):
            self._buffer = data
        else:
            self._buffer = self._buffer[self._position :] + data
        self._position = 0

    def next_event(self) -> Event | None:
        """What the server said next; None until more has come.

        Raises:
            OutOfStep: what came cannot be a reply. Nothing more is understood, or may be sent.
        """
        if self._broken is not None:
            raise OutOfStep(self._broken)
        if self._content is not None:
            return self._next_piece(self._content)
        if self._position == len(self._buffer):
            return None
        line = self._next_line()
        if line is None:
            return None
        return self._status(line) if self._greeted else self._greeting(line)

    def eof(self) -> bool:
        """The connection has ended: whether in the middle of something."""
        return bool(self._expected) or self.buffered > 0 or not self._greeted

    def secured(self) -> None:
        """TLS is up: AUTHORIZATION begins again, and nothing heard before it counts.

        RFC 2595, section 4. There is no second greeting.

        Raises:
            LocalProtocolError: STLS has not been accepted.
        """
        if self.state is not State.HANDSHAKE or self._broken is not None:
            raise LocalProtocolError("TLS without STLS")
        self.state = State.AUTHORIZATION

    def _why_silent(self) -> str | None:
        """Why no command may be sent now, if so."""
        if self._broken is not None:
            return "the session is out of step"
        if not self._greeted:
            return "the server has not greeted"
        if self.state in {State.HANDSHAKE, State.SASL, State.CLOSED}:
            return f"the session is in {self.state}"
        if self._expected:
            last = self._expected[-1].rule
            # What is behind AUTH would be taken for a response, behind QUIT for nothing.
            if not last.may_be_followed or last.verb in {Verb.AUTH, Verb.QUIT}:
                return f"the reply to {last.verb} has not come"
        return None

    def _next_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._position, self._position + MAX_LINE)
        if end < 0:
            if self.buffered >= MAX_LINE:
                raise self._out_of_step("it sent a status line without an end")
            return None
        line = self._buffer[self._position : end]
        self._position = end + 1
        return line.removesuffix(b"\r")

    def _greeting(self, line: bytes) -> Greeting:
        status = parse_status(line)
        if status is None:
            raise self._out_of_step("it did not greet as a POP3 server does", line)
        self._greeted = True
        stamp = _TIMESTAMP.search(line)
        return Greeting(
            status.outcome is Outcome.OK,
            readable(status.octets),
            stamp[0].decode("ascii") if stamp else None,
            status.code,
        )

    def _status(self, line: bytes) -> Status:
        if not self._expected:
            raise self._unasked(line)
        expected = self._expected[0]
        verb = expected.rule.verb
        status = parse_status(line, challenges=verb is Verb.AUTH)
        if status is None:
            raise self._out_of_step(f"its reply to {verb} is none")
        if expected.has_content and status.outcome is Outcome.OK:
            self._content = ContentReader(own_words=verb not in _SENDERS_OWN)
        else:
            self._expected.popleft()
        self._follow(verb, status)
        return Status(verb, status.outcome, readable(status.octets), status.code, status.octets)

    def _unasked(self, line: bytes) -> OutOfStep:
        status = parse_status(line)
        if status is None:  # not to be shown: it may be somebody's mail
            return self._out_of_step("it said something that nobody had asked for")
        if status.outcome is Outcome.OK:
            return self._out_of_step("it said something that nobody had asked for", line)
        return Farewell(str(self._out_of_step("it ended the session by itself", line)))

    def _follow(self, verb: Verb, status: StatusLine) -> None:
        self._may_respond = verb is Verb.AUTH and status.outcome is not Outcome.ERR
        state = ON_COMMAND.get((self.state, verb), self.state)
        following = ON_REPLY.get((state, verb))
        if following is not None:
            self.state = following.get(status.outcome, state)
        if self.state is State.HANDSHAKE and self.buffered:
            raise self._out_of_step("it sent cleartext behind its reply to STLS")

    def _next_piece(self, reader: ContentReader) -> Content | End | None:
        if self._ended:
            return self._end()
        text, self._position, self._ended = reader.take(self._buffer, self._position)
        if text:
            return Content(text)
        return self._end() if self._ended else None

    def _end(self) -> End:
        self._content = None
        self._ended = False
        self._expected.popleft()
        return End()

    def _out_of_step(self, what: str, line: bytes | None = None) -> OutOfStep:
        shown = "" if line is None else f": {readable(line[:_MAX_QUOTED])!r}"
        self._broken = f"{what}{shown}"
        return OutOfStep(self._broken)


def decode_challenge(base64: bytes) -> bytes:
    """What a challenge says: decoded; as it came when it is not base64.

    Servers prompt with plain text (``+ send your name``) where RFC 5034 wants base64. A
    mechanism that needs more than a prompt refuses such a challenge by itself.
    """
    try:
        return a2b_base64(base64, strict_mode=True)
    except ValueError:  # binascii.Error
        return base64
