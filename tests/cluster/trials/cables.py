"""Cables that can be cut: what is sent meanwhile is neither refused nor answered, and arrives late."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

from tests.postoffice import HOST, PATIENCE

_PIECE = 65536


class Cable:
    """From a port of its own to another one. Its methods are called in :class:`Cables`' thread."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listening = socket.create_server((HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        self._whole = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._whole.set()
        self._server = await asyncio.start_server(self._connected, sock=self._listening)

    async def cut(self) -> None:
        self._whole.clear()

    async def mend(self) -> None:
        """What was held arrives now."""
        self._whole.set()

    async def sever(self) -> None:
        """All connections break off; what was held is lost."""
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self.sever()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connect(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._whole.wait()
            there = await asyncio.open_connection(HOST, self._to)
            try:
                both = self._pump(reader, there[1]), self._pump(there[0], writer)
                await asyncio.gather(*both)
            finally:
                there[1].transport.abort()
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            piece = await reader.read(_PIECE)
            await self._whole.wait()
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        writer.transport.close()


class Cables:
    """All cables, in a thread with an event loop of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cables")
        self._all: list[Cable] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for cable in self._all:
            self.do(cable.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def add(self, to: int) -> Cable:
        cable = Cable(to)
        self.do(cable.open)
        self._all.append(cable)
        return cable

    def do(self, act: Callable[[], Any]) -> None:
        """Call a cable's method, and wait for it."""
        asyncio.run_coroutine_threadsafe(act(), self._loop).result(PATIENCE)
