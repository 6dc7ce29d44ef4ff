"""A server far away: a proxy that hands everything on after a while.

Each direction takes :data:`ONE_WAY` seconds, keeps its order, and is as wide as the loopback
is: octets that come together go together. What a client pays for at such a distance is waiting,
and that is counted without a clock: every octet knows how many round trips lie behind it. What
the client sends has as many as the latest of what it had heard by then; what the server
sends, one more than the latest that had reached it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.postoffice import HOST, Address

ONE_WAY = 0.02
_READ = 256 * 1024


class Distance:
    """What lies between the clients and one server."""

    def __init__(self, address: Address) -> None:
        self.address = Address(HOST, 0)
        """Where clients connect to."""
        self.round_trips = 0
        """Of the longest conversation so far, TCP's and TLS's handshakes among them."""
        self._there = address
        self._calls: set[asyncio.Task[None]] = set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client. TCP's handshake was one round trip."""
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        try:
            await asyncio.sleep(2 * ONE_WAY)
            call = _Call(1)
            there_reader, there_writer = await asyncio.open_connection(*self._there)
            await asyncio.gather(
                call.relay(reader, there_writer, "server", 0),
                call.relay(there_reader, writer, "client", 1),
            )
            self.round_trips = max(self.round_trips, call.heard["client"])
        finally:
            self._calls.discard(task)

    async def ended(self) -> None:
        """Wait until no client is left."""
        while self._calls:
            await asyncio.wait(self._calls)


class _Call:
    """One connection."""

    def __init__(self, round_trips: int) -> None:
        self.heard = {"client": round_trips, "server": round_trips}
        """The most round trips that lie behind anything that each has received."""

    async def relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: str, more: int
    ) -> None:
        """Hand on what *reader* has to say; *more*: the round trips that its sender adds."""
        loop = asyncio.get_running_loop()
        sender = "client" if to == "server" else "server"
        under_way: asyncio.Queue[tuple[float, int, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, behind, data = await under_way.get()
                await asyncio.sleep(due - loop.time())
                if not data:
                    break
                self.heard[to] = max(self.heard[to], behind)
                writer.write(data)
                await writer.drain()
            writer.close()
            await writer.wait_closed()

        delivering = asyncio.ensure_future(deliver())
        data = b"begun"
        while data:
            data = await reader.read(_READ)
            under_way.put_nowait((loop.time() + ONE_WAY, self.heard[sender] + more, data))
        await delivering


@asynccontextmanager
async def far_away(address: Address) -> AsyncIterator[Distance]:
    """The server at *address*, from afar."""
    distance = Distance(address)
    server = await asyncio.start_server(distance.carry, HOST, 0)
    distance.address = Address(*server.sockets[0].getsockname()[:2])
    try:
        yield distance
        await distance.ended()
    finally:
        server.close()
        await server.wait_closed()
