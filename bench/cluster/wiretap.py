"""A listener on the wire to PostgreSQL: hands everything on, and counts round trips.

A round trip is what is said to the server until it answers, however many messages that are; what it is
about is read from the messages (Parse names a statement, Bind runs it).
"""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.postoffice import HOST

_READ = 256 * 1024
_ASKS_FOR_TLS = 80877103
_LENGTH = struct.Struct("!i")


class Wiretap:
    """What stands before one server."""

    def __init__(self, port: int) -> None:
        """*port*: the server's."""
        self.port = 0
        """Where clients connect to."""
        self.trips: list[str] = []
        """What each round trip was about, of all connections, in the order of the answers."""
        self._there = port
        self._calls: set[asyncio.Task[None]] = set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        writers = [writer]
        try:
            there_reader, there_writer = await asyncio.open_connection(HOST, self._there)
            writers.append(there_writer)
            said = Said()
            await asyncio.gather(
                self._there_goes(reader, there_writer, said),
                self._back_comes(there_reader, writer, said),
            )
        except (ConnectionError, asyncio.CancelledError):  # either side, or we, have gone
            pass
        finally:
            for each in writers:
                each.transport.abort()
            await asyncio.sleep(0)  # then they are closed
            self._calls.discard(task)

    async def open(self) -> asyncio.Server:
        """Listen."""
        server = await asyncio.start_server(self.carry, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def close(self, server: asyncio.Server) -> None:
        """Listen no more, and cut all connections."""
        server.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _there_goes(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: Said
    ) -> None:
        while octets := await reader.read(_READ):
            said.hear(octets)
            writer.write(octets)
            await writer.drain()
        writer.close()

    async def _back_comes(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: Said
    ) -> None:
        while octets := await reader.read(_READ):
            if said.since:
                self.trips.append("; ".join(said.since))
                said.since = []
            writer.write(octets)
            await writer.drain()
        writer.close()


class Said:
    """What a client has said on one connection."""

    def __init__(self) -> None:
        self.since: list[str] = []
        """What has been said since the last answer."""
        self._statements: dict[bytes, str] = {}
        self._rest = b""
        self._begun = False

    def hear(self, octets: bytes) -> None:
        """Some more of it."""
        self._rest += octets
        while len(self._rest) >= 4 + self._begun:
            (length,) = _LENGTH.unpack_from(self._rest, self._begun)
            end = length + self._begun
            if len(self._rest) < end:
                return
            message, self._rest = self._rest[:end], self._rest[end:]
            if self._begun:
                self._understand(message[:1], message[5:])
            else:
                self._begun = _LENGTH.unpack_from(message, 4)[0] != _ASKS_FOR_TLS
                self.since.append("connect")

    def _understand(self, kind: bytes, body: bytes) -> None:
        if kind == b"P":
            name, text, _ = body.split(b"\0", 2)
            self._statements[name] = " ".join(text.decode().split())
            self.since.append(f"prepare {self._statements[name]}")
        elif kind == b"B":
            name = body.split(b"\0", 2)[1]
            self.since.append(self._statements[name])
        elif kind == b"Q":
            self.since.append(" ".join(body.rstrip(b"\0").decode().split()))
        elif kind == b"p":
            self.since.append("password")


@contextmanager
def wiretap(port: int) -> Iterator[Wiretap]:
    """One that listens, on a thread of its own, before the server on *port*."""
    tap, loop = Wiretap(port), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(tap.open(), loop).result()
        yield tap
        asyncio.run_coroutine_threadsafe(tap.close(server), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
