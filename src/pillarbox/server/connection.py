"""One client: reads, feeds the wire core, has each command carried out, writes the replies.

*Pipelining.* The core gives out one event at a time and every event is answered before the
next, so a batch of commands needs no code here: the loop in :meth:`Connection._converse` runs
until the core wants more bytes. Replies to what came in one read leave in one write.

*Back-pressure.* When the client does not read, the transport calls :meth:`pause_writing` and
the loop waits; when it sends more commands than are carried out, reading pauses. Either way a
connection holds a bounded number of bytes (``limits``), and nobody else waits.

*TLS* is put on by the same step for POP3S (before the greeting) and for STLS (after its
reply), so there is one path on which limits are checked and failures are understood.

*Endings.* Whatever ends a session but QUIT removes nothing (RFC 1939, section 6). A command
that is being carried out when the connection breaks is let finish: a commit that has begun
must not be cut in half. Only a sign-in is given up, since it may be waiting its turn. The
maildrop is released in every case.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from time import monotonic
from typing import Any, cast

from pillarbox.contracts.errors import PillarboxError
from pillarbox.doorway import Introduced
from pillarbox.peers import peer_of
from pillarbox.server import eager
from pillarbox.server.client_certificate import identities
from pillarbox.server.door import Door
from pillarbox.server.limits import MAX_JOINED, MAX_PIPELINED, MAX_TURN, READ_SIZE, WRITE_HIGH_WATER
from pillarbox.server.report import End, report_end
from pillarbox.server.session import Session, log
from pillarbox.server.tls import channel_bindings, reason_of
from pillarbox.server.verbs import respond
from pillarbox.wire.errors import RemoteProtocolError
from pillarbox.wire.redact import redact
from pillarbox.wire.replies import Pieces, Reply
from pillarbox.wire.server import ServerMachine
from pillarbox.wire.states import Outcome, State


def _end_by(reply: Reply) -> End:
    """Why the session is over, by the reply that ended it."""
    if reply.closes:
        return End.REFUSED
    return End.QUIT if reply.outcome is Outcome.OK else End.UPDATE_FAILED


_BY_PROXY = "proxy"
"""The TLS version of a session whose TLS ends at a load balancer."""

_TURNING = frozenset({State.HANDSHAKE, State.CLOSED})
SIGNING_IN = frozenset({State.AUTHORIZATION, State.NAMED, State.SASL})


_inbox = memoryview(bytearray(READ_SIZE))
"""Where every connection's bytes arrive. One for all: what has arrived is taken out before
the loop goes on to the next connection."""


class Connection(asyncio.BufferedProtocol):
    """The shell around one session."""

    __slots__ = (
        "_busy",
        "_door",
        "_drained",
        "_end",
        "_eof",
        "_held_back",
        "_introduced",
        "_joined",
        "_joined_octets",
        "_lost",
        "_reading_paused",
        "_task",
        "_transport",
        "_turn_began",
        "active_at",
        "began_at",
        "machine",
        "session",
    )

    def __init__(self, door: Door, introduced: Introduced | None = None) -> None:
        """*introduced*: who it is, if not whom the socket names."""
        self.machine = ServerMachine()
        self.session: Session
        self.began_at = self.active_at = door.loop.time()
        self._door = door
        self._introduced = introduced
        self._transport: asyncio.Transport
        self._busy = False  # commands are being carried out, or a handshake is under way
        self._task: asyncio.Task[None] | None = None  # set once that had to wait
        self._joined: list[bytes] = []  # replies not yet written
        self._joined_octets = 0
        self._drained: asyncio.Future[None] | None = None  # set while the client does not read
        self._reading_paused = False
        self._held_back: list[bytes] | None = None  # what came while TLS was being put on
        self._turn_began = 0.0
        self._eof = False
        self._lost = False
        self._end: End | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        introduced = self._introduced
        peer = introduced.peer if introduced else peer_of(transport.get_extra_info("peername"))
        refusal = self._door.admit(self, peer)
        if refusal is not None:
            self._turn_away(refusal)
            return
        self.session = Session(self._door.services, peer, self._door.timestamp())
        self.session.secured = introduced is not None and introduced.tls
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        if self._door.implicit_tls:
            self._start(self._converse(tls_first=True))
        else:
            self._greet()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- the loop's name
        return _inbox

    def buffer_updated(self, octets: int) -> None:
        data = bytes(_inbox[:octets])
        if self._held_back is not None:
            self._held_back.append(data)
            return
        try:
            self.machine.receive(data)
        except RemoteProtocolError:
            self.close(End.REFUSED)
            return
        if not self._busy:
            self._start(self._converse())
        elif self.machine.buffered > MAX_PIPELINED and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client has no more to say, but may want its answers (``nc`` does this)."""
        self._eof = True
        return self._busy

    def pause_writing(self) -> None:
        self._drained = self._drained or self._door.loop.create_future()

    def resume_writing(self) -> None:
        self.active_at = self._door.loop.time()
        drained, self._drained = self._drained, None
        if drained is not None:
            drained.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 -- the loop's name
        self._lost = True
        self.resume_writing()
        if not self._busy:
            self._start(self._finish())
        elif (task := self._task) and self._held_back is None and self.machine.state in SIGNING_IN:
            task.cancel()  # a sign-in may wait long, and now waits for nobody

    # What the door calls.

    def expire(self, now: float) -> None:
        """Close without a word when the client has been silent for too long.

        RFC 1939, section 3: no reply, and no UPDATE. A client that does not read its replies
        is silent, too; one whose command is being carried out is not.
        """
        if self._busy and self._drained is None:
            return
        policy = self.session.services.policy
        if self.session.maildrop is not None:
            if now - self.active_at >= policy.idle_timeout:
                self.close(End.IDLE)
        elif now - self.began_at >= policy.login_timeout:
            silent = now - self.active_at >= policy.login_timeout
            if silent or self.machine.state is not State.CLOSED:  # else: the goodbye is leaving
                self.close(End.LOGIN_TIMEOUT)

    @property
    def at_rest(self) -> bool:
        """Nothing is open and nothing is being done: closing now disturbs nobody."""
        return not self._busy and self.session.maildrop is None

    def close(self, end: End) -> None:
        """Break the connection off; what was not written is dropped, nothing is removed."""
        self._end = self._end or end
        self._transport.abort()

    def _turn_away(self, refusal: Reply) -> None:
        self._transport.set_protocol(asyncio.Protocol())  # deaf from here on
        if not self._door.implicit_tls:  # a TLS client could not read it
            self._transport.write(refusal.status_line())
        self._transport.close()

    # The conversation.

    def _start(self, step: Coroutine[Any, Any, None]) -> None:
        self._busy = True
        self._turn_began = monotonic()
        self._task = eager.start(step, self._door.loop)
        if self._task is not None:
            self._flush()  # whatever it waits for, finished replies do not

    async def _converse(self, *, tls_first: bool = False) -> None:
        """Answer all that has come; what goes wrong is this session's alone."""
        try:
            if tls_first:
                await self._begin_with_tls()
            await self._answer_all()
        except asyncio.CancelledError:
            if not self._lost:
                raise
        except PillarboxError as error:  # in the middle of a reply: its beginning has left
            log.error(
                "reply broken off",
                peer=self.session.peer,
                error=type(error).__name__,
                detail=str(error),
            )
            self.close(End.BROKEN_OFF)
        except Exception:  # noqa: BLE001 -- the outermost place that knows the session
            log.exception("session broken off", peer=self.session.peer)
            self.close(End.FAULT)
        if self._rest():
            await self._finish()

    async def _answer_all(self) -> None:
        machine, door, session = self.machine, self._door, self.session
        while not self._lost and (event := machine.next_event()) is not None:
            self.active_at = door.loop.time()
            if monotonic() - self._turn_began > MAX_TURN:
                await self._give_way()
            if door.traced:
                log.debug("heard", peer=session.peer, line=redact(machine.heard, machine.state))
            reply = await respond(session, event)
            for segment in machine.answer(reply):
                if isinstance(segment, bytes):  # as _write does, eleven times in a poll
                    self._joined.append(segment)
                    self._joined_octets += len(segment)
                else:
                    await self._stream(segment)
            if self._joined_octets >= MAX_JOINED:
                self._flush()
            if self._drained is not None:
                await self._drained
            if machine.state in _TURNING:
                await self._turn(reply)
            if self._task is not None:  # it had to wait: whoever waits for this reply, too
                self._flush()
                self._resume_reading()
        self._flush()

    async def _turn(self, reply: Reply) -> None:
        """After *reply* the conversation does not go on as before."""
        if self.machine.state is State.HANDSHAKE:
            if not self._lost:  # who did not read the reply may have gone
                await self._secure()
        else:
            self._end = self._end or _end_by(reply)

    async def _give_way(self) -> None:
        """After a long turn, let others have theirs: not every command has to wait for a disk."""
        self._flush()
        await asyncio.sleep(0)
        self._turn_began = monotonic()

    async def _begin_with_tls(self) -> None:
        await self._secure()
        if self.machine.state is State.AUTHORIZATION and not self._lost:
            self._greet()

    def _greet(self) -> None:
        self._write(self.machine.greeting("Pillarbox at your service", self.session.timestamp))
        self._flush()

    def _rest(self) -> bool:
        """The end of a step: close, or wait for more; True when it is time to finish."""
        self._busy = False
        self._task = None
        if self._lost:
            return True
        if self.machine.state is State.CLOSED or self._eof:
            self._transport.close()
        return False

    async def _stream(self, pieces: Pieces) -> None:
        """Send a content piece by piece, at the pace at which the client reads it."""
        try:
            async for piece in pieces:
                if self._lost:
                    return
                if monotonic() - self._turn_began > MAX_TURN:
                    await self._give_way()
                self._write(piece)
                self._flush()
                if self._drained is not None:
                    await self._drained
        finally:
            await pieces.aclose()

    def _write(self, data: bytes) -> None:
        """With the next :meth:`_flush`."""
        self._joined.append(data)
        self._joined_octets += len(data)

    def _flush(self) -> None:
        if self._joined and not self._lost:
            joined, self._joined = self._joined, []
            self._joined_octets = 0
            self._transport.write(joined[0] if len(joined) == 1 else b"".join(joined))

    def _resume_reading(self) -> None:
        if self._reading_paused and self.machine.buffered <= MAX_PIPELINED and not self._lost:
            self._reading_paused = False
            self._transport.resume_reading()

    async def _secure(self) -> None:
        """Put TLS on; what was said before it is forgotten (RFC 2595, section 4).

        Bytes that the client sends right behind its handshake may arrive before this resumes:
        they are held back for the fresh machine. (Bytes sent in clear before the handshake
        go to OpenSSL, which takes them for a broken hello.)
        """
        self._flush()
        self._held_back = []
        try:
            secured = await self._door.start_tls(self._transport, self)
        except (OSError, ssl.SSLError) as error:  # ConnectionError and time-outs are OSErrors
            self._end = End.TLS
            why = reason_of(error)
            log.info("TLS failed", peer=self.session.peer, door=self._door.name, error=why)
            self._transport.abort()
            self.machine.state = State.CLOSED
            self._lost = True  # connection_lost is only called of a handshake that succeeded
            return
        held_back, self._held_back = self._held_back, None
        self._transport = secured
        secured.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        self.machine.secured()
        bindings = channel_bindings(secured.get_extra_info("ssl_object"))
        self.session.start_over(self._identities(secured), bindings)
        for data in held_back:
            self.machine.receive(data)

    def _identities(self, secured: asyncio.Transport) -> tuple[str, ...]:
        """The users' names in the client's certificate, if one was asked for and shown."""
        kinds = self.session.services.policy.client_identity
        if not kinds:
            return ()
        tls: ssl.SSLObject = secured.get_extra_info("ssl_object")
        return identities(tls.getpeercert(), kinds)

    async def _finish(self) -> None:
        """The connection is gone: release the maildrop, and say what the session was."""
        self._busy = True  # for good: this runs once, whatever the loop still calls
        try:
            await self.session.release()
        except Exception:  # noqa: BLE001 -- the rest of the goodbye must happen
            log.exception("release failed", peer=self.session.peer)
        self._door.discharge(self, self.session.peer)
        seconds = self._door.loop.time() - self.began_at
        tls = self._transport.get_extra_info("ssl_object") if self.session.secured else None
        version = tls.version() if tls is not None else _BY_PROXY if self.session.secured else None
        report_end(self.session, self._door.name, self._end or End.LOST, version, seconds)
