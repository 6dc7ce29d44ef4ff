"""One client's connection, from its acceptance to its end; no command is understood here.

aiosmtpd gives the protocol object, its streams and its idle timer. What is replaced:

* the end of input: aiosmtpd drops the session at once, so that a client which half-closes
  after its last command never learns what became of its mail. Here it is answered;
* closing: the last reply gets a few seconds to be read, then the connection is cut, and
  commands that were sent ahead are not carried out after it;
* limits on connections, TLS without STARTTLS, and an orderly shutdown.

A connection counts until both are over, the session and the transport. Of the transport's end
``connection_lost`` tells, except during STARTTLS: then the transport is the event loop's TLS
layer's, which passes on some ends and others not. So a handshake that fails is an end by itself,
and one that is to end is broken off by cancelling the session that waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import ClassVar

import structlog
from aiosmtpd.smtp import SMTP

from pillarbox.delivery import replies
from pillarbox.delivery.desk import Desk
from pillarbox.delivery.handler import Draft, Handler
from pillarbox.delivery.replies import Reply
from pillarbox.doorway import Introduced
from pillarbox.peers import UNIX, network_of, peer_of

log = structlog.get_logger("pillarbox.delivery")

# aiosmtpd logs every command and every line of DATA: addresses and content, in its own format.
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)

PIECE_OCTETS = 64 * 1024
"""What is buffered of a message, or of a line, before it is taken away (asyncio: twice that)."""

LINGER_SECONDS = 5.0
"""For the last reply to be read, before a client that does not read is cut off."""

MOST_QUEUED_REPLIES = 100
"""That go out together: a message with as many recipients. It bounds what one client's commands,
sent ahead, can take of memory and of the others' time."""

HANDSHAKE_SECONDS = 30.0
"""For TLS after STARTTLS: some round trips, even over a satellite."""

_TLS_HANDSHAKE = b"\x16\x03"
_HANDLER = Handler()


class Link(SMTP):
    """A connection of either door."""

    door: ClassVar[str]
    limited_by_address: ClassVar[bool]

    line_length_limit = PIECE_OCTETS  # aiosmtpd makes it the limit of the stream's buffer

    def __init__(self, desk: Desk, introduced: Introduced | None = None) -> None:
        """*introduced*: who it is, if not whom the socket names."""
        policy = desk.policy
        super().__init__(
            _HANDLER,
            data_size_limit=None,  # DATA and the hook of MAIL see to it, and log it
            enable_SMTPUTF8=True,
            hostname=policy.hostname,
            timeout=policy.idle_timeout,
            loop=asyncio.get_running_loop(),
        )
        self.desk = desk
        self.peer = introduced.peer if introduced else UNIX
        self._introduced = introduced
        self._admitted = False
        self._shaking_hands = False
        """TLS is being put on: the transport is not ours to close."""
        self._lost = False
        self._left = False
        self._heard = False
        self._finished = False
        self._winding_up = False
        self._at_rest = False
        """Waiting for a command."""
        self._cutting_off: asyncio.TimerHandle | None = None
        self._outbox: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._introduced is None:
            self.peer = peer_of(transport.get_extra_info("peername"))
        self.desk.present.add(self)
        super().connection_made(transport)
        self._session_task().add_done_callback(lambda _: self._leave_when_over())

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        super().connection_lost(error)
        self._leave_when_over()

    def _leave_when_over(self) -> None:
        if self._left or not self._lost or not self._session_task().done():
            return
        self._left = True
        self._stop_timeout()
        if self._cutting_off:
            self._cutting_off.cancel()
        if self._admitted:
            self.desk.admissions[self.door].leave(self._counted_address())
        self.desk.present.remove(self)

    def _session_task(self) -> asyncio.Task[None]:
        assert self._handler_coroutine is not None  # noqa: S101 - begun in connection_made
        return self._handler_coroutine

    def data_received(self, data: bytes) -> None:
        if not self._heard:
            self._heard = True
            if data.startswith(_TLS_HANDSHAKE):
                self._hang_up(replies.NOT_TLS)
                return
        super().data_received(data)

    def eof_received(self) -> bool | None:
        return asyncio.StreamReaderProtocol.eof_received(self)  # past aiosmtpd's

    async def _handle_client(self) -> None:
        """The session; aiosmtpd runs it as a task, and cancels it when the connection is lost."""
        try:
            refusal = self._enter()
            if refusal:
                self._hang_up(refusal)
            else:
                await self._converse()
        except (OSError, EOFError) as gone:  # the client went away, in whatever manner
            log.debug("client gone", door=self.door, peer=self.peer, problem=repr(gone))
        finally:
            self._hang_up()

    async def _converse(self) -> None:
        raise NotImplementedError

    def _enter(self) -> Reply | None:
        if self.limited_by_address and self.desk.policy.visitors.turns_away(self.peer):
            self.desk.meter.connection_refused(self.door, "not admitted")
            log.info("connection refused", door=self.door, peer=self.peer, reason="not admitted")
            return replies.NOT_ADMITTED
        refusal = self.desk.admissions[self.door].enter(self._counted_address())
        self._admitted = refusal is None
        if refusal:
            reason = "connections" if refusal is replies.TOO_MANY_CONNECTIONS else "address"
            self.desk.meter.connection_refused(self.door, reason)
            log.warning("connection refused", door=self.door, peer=self.peer, reason=reason)
        return refusal

    def _counted_address(self) -> str | None:
        limited = self.limited_by_address and self.peer != UNIX
        return network_of(self.peer) if limited else None

    def wind_up(self) -> None:
        """End the session: now if it is between two messages, else after this one."""
        self._winding_up = True
        if self._at_rest and not self._draft().mail_from:
            self._hang_up(replies.SHUTTING_DOWN)

    def cut_off(self) -> None:
        """End the connection now. A delivery under way takes effect whole or not at all."""
        if self._shaking_hands:
            self._session_task().cancel()
        elif self.transport is not None:
            self._writer.transport.abort()

    async def _put_on_tls(self, context: ssl.SSLContext) -> None:
        """The handshake.

        Raises:
            OSError: it failed, or took too long (ssl.SSLError is one); the connection is over.
        """
        clear = self._writer.transport
        self._shaking_hands = True
        try:
            await self._writer.start_tls(context, ssl_handshake_timeout=HANDSHAKE_SECONDS)
        except BaseException:
            self._lost = True
            clear.abort()
            raise
        finally:
            self._shaking_hands = False
        self.transport = self._writer.transport

    def _hang_up(self, last_word: Reply | None = None) -> None:
        self._finished = True
        if self._shaking_hands:  # a word in clear would be taken for a broken handshake
            self._session_task().cancel()
            return
        if self.transport is None or self.transport.is_closing():
            return
        if last_word:
            self._outbox.append(f"{last_word}\r\n".encode())
        self._flush()
        self.transport.close()
        self._cutting_off = self.loop.call_later(LINGER_SECONDS, self.cut_off)

    def _timeout_cb(self) -> None:
        log.info("session ended", door=self.door, peer=self.peer, reason="idle")
        self._hang_up(replies.IDLE_TOO_LONG)

    def _stop_timeout(self) -> None:
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()

    async def _send(self, text: str) -> None:
        """Queue a reply; those to commands that came together go out together.

        RFC 2920, section 3.2. Commands that are in the buffer are carried out without going
        back to the event loop, so what it runs next comes after the last of them: a system
        call for each group instead of one for each command. A client that sends and sends
        is interrupted for the others, and one that does not read is not read from.
        """
        if not self._outbox:
            self.loop.call_soon(self._flush)
        self._outbox.append(text.encode(errors="backslashreplace") + b"\r\n")
        if len(self._outbox) >= MOST_QUEUED_REPLIES:
            self._flush()
            await asyncio.sleep(0)
        await self._writer.drain()

    def _flush(self) -> None:
        if self._outbox and self.transport is not None:
            self._writer.write(b"".join(self._outbox))
        self._outbox.clear()

    def _create_envelope(self) -> Draft:
        return Draft()

    def _draft(self) -> Draft:  # no property: aiosmtpd reads all of those before there is one
        assert isinstance(self.envelope, Draft)  # noqa: S101 - made by _create_envelope
        return self.envelope
