"""TLS between a connection and its socket: a protocol to the event loop, a transport to the
connection.

It moves bytes between the loop's transport and an :class:`ssl.SSLObject`, and decides nothing that
OpenSSL decides. Event loops have such a layer, too (``loop.start_tls``). This one is here because

* a handshake that fails ends with its alert (RFC 8446, section 6.2), where theirs close the
  connection before OpenSSL's last words have left: a client would tell its user of a broken
  network instead of a missing certificate, a wrong name, or a version that is too old;
* a connection holds no buffer, where uvloop's layer maps 256 KiB for each, and two more when it
  ends;
* it says goodbye as RFC 8446, section 6.1, has it: our ``close_notify`` leaves, and nobody waits
  for the other one, which a client may owe for ever; and a client that has said its own may still
  get its answers (before TLS 1.3 it may not: RFC 5246, section 7.2.1);
* it does the same on both loops, where theirs differ in what they call when a handshake fails.

*Back-pressure* is the loop's transport's: everything is encrypted when it is written, and what
waits there is what counts. Only what OpenSSL says of itself has a limit of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any, cast

from pillarbox.server.limits import MAX_UNREAD, READ_SIZE

MAX_RECORD = 16 * 1024
"""Octets of content in a TLS record (RFC 8446, section 5.1)."""

_sealed = memoryview(bytearray(READ_SIZE))
"""Where every connection's records arrive. One for all: OpenSSL has taken them before the loop
goes on to the next connection."""


class TlsTransport(asyncio.BufferedProtocol, asyncio.Transport):
    """The server's end of one TLS connection.

    What comes behind the handshake goes to the *application*, whose buffer has room for several
    records. It hears of the end of a connection only once the handshake has succeeded; that it
    has failed is what :meth:`handshake` raises.
    """

    __slots__ = (
        "_application",
        "_below",
        "_closing",
        "_ended",
        "_handshake",
        "_incoming",
        "_loop",
        "_outgoing",
        "_secured",
        "_tls",
    )

    def __init__(
        self,
        below: asyncio.Transport,
        application: asyncio.BufferedProtocol,
        context: ssl.SSLContext,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """From here on, what comes from *below* is taken for a client's handshake."""
        super().__init__()
        self._below = below
        self._application = application
        self._loop = loop
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._handshake: asyncio.Future[None] = loop.create_future()
        self._secured = False  # it has succeeded
        self._ended = False  # the client has said its close_notify
        self._closing = False
        below.set_protocol(self)

    async def handshake(self, patience: float) -> None:
        """Return when it has succeeded; *patience*: seconds. To be called once.

        Raises:
            OSError: it failed (:class:`ssl.SSLError` is one), took too long, or the client left.
                The connection is closed, or about to be.
        """
        timer = self._loop.call_later(patience, self._give_up)
        try:
            await self._handshake
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            timer.cancel()

    # What the event loop calls.

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- the loop's name
        return _sealed

    def buffer_updated(self, octets: int) -> None:
        if self._closing or self._ended:
            return
        self._incoming.write(_sealed[:octets])
        if self._secured:
            self._open()
        else:
            self._shake_hands()

    def eof_received(self) -> bool:
        """The end. Without a ``close_notify``, whoever cut the connection off need not be the client:
        so it counts as broken, and is closed at once.
        """
        return self._ended

    def pause_writing(self) -> None:
        self._application.pause_writing()

    def resume_writing(self) -> None:
        self._application.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._closing = True
        if self._secured:
            self._application.connection_lost(error)
        else:
            self._fail(ConnectionAbortedError("the client left during the handshake"))
        del self._application  # each holds the other

    # What the connection calls.

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if data and not self._closing:
            self._tls.write(data)
            self._send()

    def close(self) -> None:
        """What was written leaves, and ``close_notify`` behind it."""
        if not self._closing:
            with contextlib.suppress(ssl.SSLError):  # it wants to read the client's
                self._tls.unwrap()
            self._end()

    def abort(self) -> None:
        self._closing = True
        self._below.abort()

    def is_closing(self) -> bool:
        return self._closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._tls if name == "ssl_object" else self._below.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._below.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        self._below.pause_reading()

    def resume_reading(self) -> None:
        self._below.resume_reading()

    # TLS.

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
        except ssl.SSLError as error:
            self._end()
            self._fail(error)
        else:
            self._secured = True
            self._handshake.set_result(None)
            # Soon, not now: first comes who has waited. It greets, which leaves in one write with
            # our last flight, and is there for what the client has said behind its own.
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._send()
        if self._incoming.pending and not self._closing:
            self._open()

    def _give_up(self) -> None:
        self._fail(ConnectionAbortedError("the handshake took too long"))
        self.abort()

    def _fail(self, error: OSError) -> None:
        if not self._handshake.done():
            self._handshake.set_exception(error)

    def _open(self) -> None:
        """Hand over what has come, many records at once: their answers leave together, too."""
        application = self._application
        buffer = memoryview(application.get_buffer(-1))
        taken = 0
        try:
            while self._incoming.pending and not self._ended:
                room = len(buffer) - taken
                if room < MAX_RECORD:
                    application.buffer_updated(taken)
                    room, taken = len(buffer), 0
                # (typeshed knows the form without a buffer only.)
                octets = cast("int", self._tls.read(room, buffer[taken:]))
                self._ended = octets == 0
                taken += octets
        except ssl.SSLWantReadError:
            pass  # the rest of a record is on its way
        except ssl.SSLError:
            self._end()
            return
        if taken:
            application.buffer_updated(taken)
        if self._ended:
            waits = application.eof_received()
            if not waits or self._tls.version() != "TLSv1.3":
                self.close()
        elif self._outgoing.pending:  # OpenSSL has answered a client that wants new keys
            self._send()
            if self._below.get_write_buffer_size() > MAX_UNREAD:
                self.abort()

    def _end(self) -> None:
        """Close, behind OpenSSL's last word: ``close_notify``, or the alert that says why."""
        self._closing = True
        self._send()
        self._below.close()

    def _send(self) -> None:
        if self._outgoing.pending and not self._below.is_closing():
            self._below.write(self._outgoing.read())
