"""The server's machine: bytes in, commands out; replies in, segments out.

::

    machine = ServerMachine()
    write(machine.greeting("Pillarbox ready"))
    ...
    machine.receive(data)
    while (event := machine.next_event()) is not None:
        reply = event.reply if isinstance(event, Refusal) else carry_out(event)
        for segment in machine.answer(reply):
            write(segment)          # bytes, or the content of a large body: pass it on
    if machine.state is State.CLOSED:
        close()

Every event is answered before the next is asked for, so replies leave in the order of the
commands whatever a shell does in between, and a client may pipeline (RFC 2449, section 6.6).
What the machine refuses by itself (unknown, malformed or untimely commands) comes out as a
:class:`Refusal` with its reply made, in its place in the order.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass

from pillarbox.wire.commands import FOREIGN_KEYWORDS, Command, parse
from pillarbox.wire.errors import (
    CommandRefused,
    LineTooLong,
    LocalProtocolError,
    RemoteProtocolError,
)
from pillarbox.wire.lines import LineSplitter
from pillarbox.wire.multiline import TERMINATOR
from pillarbox.wire.replies import Pieces, Reply, err, ok, status_line
from pillarbox.wire.states import ON_COMMAND, ON_REPLY, State
from pillarbox.wire.verbs import Verb

MAX_REFUSALS = 30
"""Refused lines in a row after which a peer is not a mail client: close. Real clients probe a
handful of commands that a server may not know."""

_TLS_RECORD = b"\x16\x03"
"""How every TLS hello begins: a handshake record of SSL 3 or later (RFC 8446, section 5.1)."""

# Once for all: Python 3.11 takes longer to look up a member of an Enum than to find a line.
_SASL = State.SASL
_DEAF = frozenset({State.HANDSHAKE, State.CLOSED})
"""The states in which nothing is understood."""

Segment = bytes | Pieces


@dataclass(frozen=True, slots=True)
class SaslResponse:
    """A line inside an AUTH exchange."""

    data: bytes | None
    """The client's response, decoded; None when it cancelled (``*``)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that the machine answers by itself."""

    reply: Reply


Event = Command | SaslResponse | Refusal


class ServerMachine:
    """One POP3 session, as the server sees it."""

    __slots__ = ("_lines", "_owes_reply", "_refusals", "_verb", "heard", "state")

    def __init__(self) -> None:
        self.state = State.AUTHORIZATION
        self._lines = LineSplitter()
        self._owes_reply = False
        self._verb: Verb | None = None  # of the event that is being answered, unless refused
        self._refusals = 0
        self.heard = b""
        """The line of the last event. It may hold a secret: see ``redact``."""

    @property
    def buffered(self) -> int:
        """Octets received and not yet understood."""
        return len(self._lines)

    @staticmethod
    def greeting(text: str, timestamp: str | None = None) -> bytes:
        """The first line; *timestamp* (``<…@…>``) only where APOP is offered.

        A client takes a timestamp for the offer of APOP (RFC 1939, section 7).
        """
        return ok(f"{text} {timestamp}" if timestamp else text).status_line()

    def receive(self, data: bytes) -> None:
        """Take what was read.

        Raises:
            RemoteProtocolError: cleartext came behind STLS, where TLS has to begin.
        """
        if self.state is State.HANDSHAKE:
            raise RemoteProtocolError("cleartext came behind STLS")
        self._lines.receive(data)

    def next_event(self) -> Event | None:
        """The next command, response or refusal; None until more has come.

        Raises:
            LocalProtocolError: the last one has not been answered.
        """
        if self._owes_reply:
            raise LocalProtocolError("the last event has not been answered")
        lines = self._lines
        state = self.state
        if lines.is_empty or state in _DEAF:
            return None
        try:
            line = lines.next_line()
        except LineTooLong:
            self._owes_reply = True
            return self._foreign(lines.peek(2)) or _closing("line too long")
        if line is None:
            hello = self._foreign(lines.peek(2))
            self._owes_reply = hello is not None
            return hello
        self._owes_reply = True
        self.heard = line
        return self._response(line) if state is _SASL else self._command(line, state)

    def answer(self, reply: Reply) -> tuple[Segment, ...]:
        """The bytes of the reply to the last event, in order, contents passed through.

        Raises:
            LocalProtocolError: nothing waits for a reply, or the reply is not fit to send.
        """
        if not self._owes_reply:
            raise LocalProtocolError("a reply to nothing")
        outcome, text, code, content, closes = reply
        head = status_line(outcome, text, code)
        self._owes_reply = False
        if self._verb is not None:
            following = ON_REPLY.get((self.state, self._verb))
            if following is not None:
                self.state = following.get(outcome, self.state)
            self._verb = None
        if closes:
            self.state = State.CLOSED
        return (head,) if content is None else (head, content, TERMINATOR)

    def secured(self) -> None:
        """TLS is up: AUTHORIZATION begins again, and nothing learned before it counts.

        RFC 2595, section 4. Forty servers and clients were once found to have got this wrong
        ("NO STARTTLS", 2021), most of them by keeping a buffer.
        """
        self.state = State.AUTHORIZATION
        self._lines = LineSplitter()
        self._owes_reply = False
        self._verb = None

    def _command(self, line: bytes, state: State) -> Event:
        try:
            rule, command = parse(line, state)
        except CommandRefused as refused:
            return self._refused(line, str(refused))
        if not rule.may_be_followed and not self._lines.is_empty:
            # Bytes that came together with STLS would be read after the handshake as if
            # they had been protected by it (CVE-2021-33515 and its family).
            return _closing(f"nothing may follow {rule.verb}")
        self._refusals = 0
        self._verb = verb = rule.verb
        self.state = ON_COMMAND.get((state, verb), state)
        return command

    def _response(self, line: bytes) -> Event:
        """RFC 5034, section 4: base64 and nothing else, or ``*`` to cancel."""
        self._verb = Verb.AUTH
        if line == b"*":
            return SaslResponse(None)
        try:
            return SaslResponse(decode_base64(line))
        except CommandRefused as refused:
            return Refusal(err(str(refused)))

    def _refused(self, line: bytes, why: str) -> Refusal:
        foreign = self._foreign(line.partition(b" ")[0].upper())
        if foreign is not None:
            return foreign
        self._refusals += 1
        return _closing("too many errors") if self._refusals >= MAX_REFUSALS else Refusal(err(why))

    @staticmethod
    def _foreign(opening: bytes) -> Refusal | None:
        if opening.startswith(_TLS_RECORD):
            return _closing("TLS begins with STLS here, or at once on the port for POP3S")
        return _closing("this is a POP3 server") if opening in FOREIGN_KEYWORDS else None


def _closing(why: str) -> Refusal:
    return Refusal(err(why, closes=True))


def decode_base64(text: bytes | str) -> bytes:
    """Strict base64 (RFC 4648, section 4): no white space, no missing or extra padding.

    Raises:
        CommandRefused: it is not.
    """
    try:
        if len(text) % 4:  # which binascii overlooks behind complete groups ("AAAA=")
            raise CommandRefused("that is not base64")
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # also binascii.Error, and a str with characters beyond ASCII
        raise CommandRefused("that is not base64") from None
