"""A connection to the server without a socket: what goes in and out is in the test's hands."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

from pillarbox.contracts.auth import Authenticator
from pillarbox.contracts.meter import Meter, NullMeter
from pillarbox.contracts.store import Store
from pillarbox.server.connection import Connection
from pillarbox.server.door import Door
from pillarbox.server.limits import AddressTally, LocalTally, Policy
from pillarbox.server.listener import Pop3Server

TURNS = 20
"""Turns of the event loop after which nothing moves any more: a command that does not wait
for anything outside needs fewer than ten."""


async def settle() -> None:
    """Let everything happen that can happen by itself."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def nobody_left(server: Pop3Server) -> None:
    """Wait until the server has said goodbye to every client."""
    await server._empty.wait()


class FakeTls:
    """Stands for the ``ssl_object`` of a connection."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context

    def version(self) -> str:
        return "TLSv1.3"


class MemoryTransport(asyncio.Transport):
    """A transport whose client reads as much as the test wants."""

    def __init__(self, protocol: asyncio.BaseProtocol, client: str) -> None:
        super().__init__()
        self._protocol = protocol
        self._client = client
        self.sent = bytearray()
        """What the client has read."""
        self.waiting = bytearray()
        """What has been written and not read."""
        self.most_waiting = 0
        self.writes: list[bytes] = []
        self.reading = True
        """False: the server has paused it."""
        self.client_reads = True
        self.closed = False
        self.aborted = False
        self.tls: FakeTls | None = None
        self._high = 64 * 1024
        self._paused = False
        self._held: list[bytes] = []

    # What the server calls.

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "peername":
            return "" if self._client == "unix" else (self._client, 49152)
        return self.tls if name == "ssl_object" and self.tls else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = 64 * 1024 if high is None else high

    def get_write_buffer_size(self) -> int:
        return len(self.waiting)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.closed:
            return
        self.writes.append(bytes(data))
        self.waiting += data
        self.most_waiting = max(self.most_waiting, len(self.waiting))
        self._move()

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True
        held, self._held = self._held, []
        for data in held:
            asyncio.get_running_loop().call_soon(self.client_sends, data)

    def is_reading(self) -> bool:
        return self.reading

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def close(self) -> None:
        self._close(None)

    def abort(self) -> None:
        self.aborted = True
        self.waiting.clear()
        self._close(None)

    # What the client does.

    def client_sends(self, data: bytes) -> None:
        if self.closed:
            return
        if not self.reading:
            self._held.append(data)
            return
        if isinstance(self._protocol, asyncio.BufferedProtocol):
            _fill(self._protocol, data)
        else:
            assert isinstance(self._protocol, asyncio.Protocol)
            self._protocol.data_received(data)

    def client_ends(self) -> None:
        """The client closes its half."""
        assert isinstance(self._protocol, asyncio.Protocol | asyncio.BufferedProtocol)
        if not self.closed and not self._protocol.eof_received():
            self.close()

    def client_cuts(self) -> None:
        """The connection breaks."""
        self._close(ConnectionResetError("the client is gone"))

    def client_reads_again(self, *, on: bool = True) -> None:
        self.client_reads = on
        self._move()

    def _move(self) -> None:
        if self.client_reads:
            self.sent += self.waiting
            self.waiting.clear()
        full = len(self.waiting) > self._high
        if full != self._paused:
            self._paused = full
            protocol = self._protocol
            protocol.pause_writing() if full else protocol.resume_writing()

    def _close(self, error: Exception | None) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, error)


def _fill(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    """Hand data over as the event loop does: into the protocol's own buffer, buffer by buffer."""
    while data:
        buffer = memoryview(protocol.get_buffer(-1))
        octets = min(len(buffer), len(data))
        buffer[:octets] = data[:octets]
        data = data[octets:]
        protocol.buffer_updated(octets)


class MemoryDoor(Door):
    """A door whose TLS is a promise: the test says when a handshake succeeds."""

    def __init__(self, server: Pop3Server, name: str, *, implicit_tls: bool) -> None:
        super().__init__(server, name, implicit_tls=implicit_tls)
        self.handshake: asyncio.Future[None] | None = None

    async def start_tls(
        self, transport: asyncio.Transport, protocol: asyncio.BaseProtocol
    ) -> asyncio.Transport:
        assert isinstance(transport, MemoryTransport)
        self.handshake = self.loop.create_future()
        transport.set_protocol(_Handshake(self.handshake))
        try:
            await self.handshake
        finally:
            transport.set_protocol(protocol)
        assert self._keeper.tls is not None
        transport.tls = FakeTls(self._keeper.tls)
        return transport

    async def shake_hands(self) -> None:
        assert self.handshake is not None
        self.handshake.set_result(None)
        await settle()


class _Handshake(asyncio.Protocol):
    """What reads while a handshake is under way: cleartext is a broken hello."""

    def __init__(self, done: asyncio.Future[None]) -> None:
        self._done = done

    def data_received(self, data: bytes) -> None:
        if not self._done.done():
            self._done.set_exception(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"))

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionAbortedError("gone during the handshake"))


class Client:
    """A client of a server on memory transports."""

    def __init__(
        self,
        server: Pop3Server,
        door: str = "pop3",
        address: str = "127.0.0.1",
        clock: Clock | None = None,
    ) -> None:
        self.door = MemoryDoor(server, door, implicit_tls=door == "pop3s")
        if clock is not None:
            self.door.loop = cast("asyncio.AbstractEventLoop", clock)
        self.connection = Connection(self.door)
        self.transport = MemoryTransport(self.connection, address)

    async def connect(self) -> Client:
        self.connection.connection_made(self.transport)
        if self.door.implicit_tls and not self.transport.closed:
            await self.door.shake_hands()
        await settle()
        return self

    async def say(self, data: bytes, chunk: int = 0) -> bytes:
        """Send *data* (in pieces of *chunk*), and return what comes back."""
        size = chunk or max(1, len(data))
        for position in range(0, len(data), size):
            self.transport.client_sends(data[position : position + size])
        await settle()
        return self.heard()

    def heard(self) -> bytes:
        """What the server has said since the last time."""
        said = bytes(self.transport.sent)
        self.transport.sent.clear()
        return said

    async def sign_in(self, user: str = "mrose", password: str = "tanstaaf") -> Client:
        await self.connect()
        reply = await self.say(f"USER {user}\r\nPASS {password}\r\n".encode())
        assert reply.count(b"+OK") == 3, reply
        return self


def make_server(
    store: Store,
    authenticator: Authenticator,
    policy: Policy | None = None,
    *,
    meter: Meter | None = None,
    tally: AddressTally | None = None,
    certificate: bool = True,
) -> Pop3Server:
    """A server that listens nowhere; the context is never used on a memory transport."""
    return Pop3Server(
        store=store,
        authenticator=authenticator,
        policy=policy or Policy(),
        tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None,
        meter=meter or NullMeter(),
        tally=tally or LocalTally(1000, 1000),
    )


class Clock:
    """The event loop with a clock that the test sets."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time()

    def time(self) -> float:
        return self.now

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)
