"""Something between a node and its database that can lose, hold and count what goes through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.postoffice import HOST

_LENGTH = 4
_SYNC, _QUERY = b"S", b"Q"
_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""Comes before the first message, and has no type either."""


class Counter:
    """Counts how often an answer is waited for, by what the client sends."""

    def __init__(self) -> None:
        self.count = 0
        self._rest = b""
        self._begun = False

    def feed(self, data: bytes) -> None:
        self._rest += data
        while True:
            kind = 1 if self._begun else 0  # the first message of all has no type
            if len(self._rest) < kind + _LENGTH:
                return
            length = int.from_bytes(self._rest[kind : kind + _LENGTH])
            if len(self._rest) < kind + length:
                return
            message, self._rest = self._rest[: kind + length], self._rest[kind + length :]
            if message[:kind] in {_SYNC, _QUERY}:
                self.count += 1
            self._begun = message != _SSL_REQUEST


class Gate:
    """One direction, of all connections."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.opened.set()
        self.holds = asyncio.Event()
        """Something waits before it."""

    def close(self) -> None:
        self.opened.clear()
        self.holds.clear()

    async def passed(self) -> None:
        if not self.opened.is_set():
            self.holds.set()
            await self.opened.wait()


class Held:
    """What was on its way when its connections were lost."""

    def __init__(self, gates: tuple[Gate, Gate], tasks: list[asyncio.Task[None]]) -> None:
        self._gates = gates
        self._tasks = tasks

    async def arrive(self) -> None:
        """Late. Returns when the database has done what it was asked for."""
        for gate in self._gates:
            gate.opened.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Proxy:
    """Of one database server."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self.port = 0
        self.url = ""
        """Of a database behind it, if it was opened for one."""
        self.requests, self.answers = Gate(), Gate()
        self._counted = 0
        self._counters: list[Counter] = []
        self._clients: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refuses = False

    @property
    def round_trips(self) -> int:
        """So far. (A statement that a connection has not seen before takes two.)"""
        return sum(counter.count for counter in self._counters)

    def taken(self) -> int:
        """The round trips since this was asked before."""
        before, self._counted = self._counted, self.round_trips
        return self._counted - before

    def lose(self) -> None:
        """All connections are lost, as their nodes see it. What is held on the way still arrives."""
        for client in self._clients:
            client.transport.abort()
        self._clients.clear()

    def cut(self) -> None:
        """The same, and no others are made until :meth:`mend`."""
        self._refuses = True
        self.lose()

    def mend(self) -> None:
        self._refuses = False

    def pass_all(self) -> None:
        """What was held goes on, and all that comes."""
        self.requests.opened.set()
        self.answers.opened.set()

    def lose_what_is_held(self) -> Held:
        """All connections are lost, with what is held on its way; others that are made now pass."""
        held = Held((self.requests, self.answers), list(self._tasks))
        self.requests, self.answers = Gate(), Gate()
        self.lose()
        return held

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        self._clients.add(writer)
        behind_reader, behind = await asyncio.open_connection(HOST, self._behind)
        counter = Counter()
        self._counters.append(counter)
        forth = asyncio.create_task(_forward(reader, behind, self.requests, counter))
        back = asyncio.create_task(_forward(behind_reader, writer, self.answers, None))
        for task in (forth, back):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _forward(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    gate: Gate,
    counter: Counter | None,
) -> None:
    try:
        while data := await _next(reader):
            await gate.passed()
            if counter is not None:
                counter.feed(data)
            writer.write(data)
        await gate.passed()
    finally:
        writer.close()


async def _next(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(2**16)
    except ConnectionError:
        return b""


@asynccontextmanager
async def proxy_before(port: int) -> AsyncIterator[Proxy]:
    """A proxy for as long as the block runs."""
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.serve, HOST, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
        proxy.lose()


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[Proxy]:
    """A proxy before the server of the database at *url*."""
    there = urlsplit(url)
    assert there.port is not None
    async with proxy_before(there.port) as proxy:
        place = there.netloc.rpartition(":")[0]
        proxy.url = there._replace(netloc=f"{place}:{proxy.port}").geturl()
        yield proxy
