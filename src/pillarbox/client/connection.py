"""The one place of the client where a POP3 socket is read or written.

It knows octets, time and TLS, and nothing of POP3. What arrives is kept in pieces until it is
asked for; when nobody asks, reading pauses (``MAX_UNREAD``). No task and no future is made
for what is already there: :meth:`Connection.take` just takes it, and only who has to wait
pays for a future and a timer.

The end of the connection, a time-out and the errors of the network become
:class:`~pillarbox.client.errors.Unreachable`, once: whoever asks again hears it again.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from typing import cast

from pillarbox.client.errors import ClientError, TimedOut, Unreachable
from pillarbox.client.limits import GOODBYE, MAX_UNREAD, READ_SIZE


class Connection(asyncio.BufferedProtocol):
    """A connection to one server."""

    __slots__ = (
        "_ended",
        "_failure",
        "_gone",
        "_inbox",
        "_loop",
        "_paused",
        "_pieces",
        "_transport",
        "_unread",
        "_waiter",
        "place",
        "timeout",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, place: str, timeout: float) -> None:
        """*place*: host and port, for sentences; *timeout*: seconds of silence."""
        self.place = place
        self.timeout = timeout
        self._loop = loop
        self._transport: asyncio.Transport
        self._inbox = memoryview(bytearray(READ_SIZE))
        self._pieces: deque[bytes] = deque()
        self._unread = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._gone = loop.create_future()
        self._failure: ClientError | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- the loop's name
        return self._inbox

    def buffer_updated(self, octets: int) -> None:
        self._pieces.append(bytes(self._inbox[:octets]))
        self._unread += octets
        if self._unread > MAX_UNREAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None and self._failure is None:
            self._failure = Unreachable(
                f"the connection to {self.place} broke: {_why(error)}; try again later"
            )
            self._failure.__cause__ = error
        self._ended = True
        self._gone.set_result(None)
        self._wake()

    # What the conversation calls.

    @property
    def has_unread(self) -> bool:
        """Whether something has come that nobody has taken."""
        return bool(self._pieces)

    def take(self) -> bytes | None:
        """What came first of what nobody has taken; None when there is nothing."""
        if not self._pieces:
            return None
        piece = self._pieces.popleft()
        self._unread -= len(piece)
        if self._paused and self._unread <= MAX_UNREAD // 2:
            self._paused = False
            if not self._ended:
                self._transport.resume_reading()
        return piece

    def deadline(self) -> float:
        """When patience with something that is waited for from now on ends (the loop's time)."""
        return self._loop.time() + self.timeout

    async def more(self, deadline: float) -> None:
        """Wait until something has come that nobody has taken.

        Raises:
            TimedOut: nothing came; the connection is broken off.
            Unreachable: it ended.
        """
        if self._pieces:
            return
        self.check()
        self._waiter = waiter = self._loop.create_future()
        timer = self._loop.call_at(deadline, self._lose_patience)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None
        if not self._pieces:
            self.check()

    async def listen(self) -> None:
        """Let in what has arrived already, without waiting for anything.

        Nobody may have run the loop for a while (the blocking client runs it only to wait). In
        one turn it sees that something is there, and reads it; behind that comes the caller.
        """
        for _ in range(2):
            await asyncio.sleep(0)

    def check(self) -> None:
        """Whether anything can still come.

        Raises:
            Unreachable: nothing can, and this is why.
        """
        if self._failure is None and self._ended:
            self._failure = Unreachable(
                f"{self.place} closed the connection in the middle of the session; try again later"
            )
        if self._failure is not None:
            raise self._failure

    def write(self, data: bytes) -> None:
        """Send *data*. Commands are short, and bounded by the window: nobody waits here.

        When the connection has ended, nothing is sent, and nothing raised: what came before
        may not have been taken yet. Who waits for the reply will hear of it.
        """
        if not self._ended:
            self._transport.write(data)

    def abort(self, failure: ClientError) -> None:
        """Break the connection off; *failure* is what everybody hears from now on."""
        self._failure = self._failure or failure
        self._transport.abort()

    async def close(self) -> None:
        """Close, with TLS's farewell if it does not take long."""
        self._failure = self._failure or Unreachable("the session is over", temporary=False)
        self._transport.close()
        timer = self._loop.call_later(GOODBYE, self._transport.abort)
        try:
            await self._gone
        finally:
            timer.cancel()

    # TLS.

    async def begin(self, sock: socket.socket, tls: ssl.SSLContext | None, host: str) -> None:
        """Take over a connected socket; with *tls*, after a handshake.

        Raises:
            OSError: the handshake failed (``ssl``'s errors are OSErrors).
        """
        if tls is None:
            await self._loop.create_connection(lambda: self, sock=sock)
            return
        await self._loop.create_connection(
            lambda: self,
            sock=sock,
            ssl=tls,
            server_hostname=host,
            ssl_handshake_timeout=self.timeout,
            ssl_shutdown_timeout=GOODBYE,
        )

    async def secure(self, tls: ssl.SSLContext, host: str) -> None:
        """Put TLS on, behind STLS.

        Reading goes over to TLS at once, without another turn of the loop: what comes in clear
        from here on meets OpenSSL, which refuses it.

        Raises:
            OSError: the handshake failed.
        """
        secured = await self._loop.start_tls(
            self._transport,
            self,
            tls,
            server_hostname=host,
            ssl_handshake_timeout=self.timeout,
            ssl_shutdown_timeout=GOODBYE,
        )
        if secured is None:  # uvloop and asyncio say so of a connection that is closing
            raise ConnectionResetError("closed during the handshake")
        self._transport = secured

    @property
    def certificate(self) -> bytes | None:
        """The server's certificate (DER); None without TLS."""
        tls: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return None if tls is None else tls.getpeercert(binary_form=True)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _lose_patience(self) -> None:
        self.abort(
            TimedOut(
                f"{self.place} gave no answer within {self.timeout:g} seconds; try again later, or "
                "with a longer --timeout"
            )
        )
        self._ended = True
        self._wake()


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
