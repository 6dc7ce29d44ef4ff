"""How often somebody waits for the network: counted where it passes by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class RoundTrips:
    """Stands before a server, and counts what is said to it after each of its answers."""

    def __init__(self, url: str) -> None:
        self._behind = urlsplit(url)
        self.url = ""
        """The server's, by way of this."""
        self._number = 0
        self._since = 0
        self._server: asyncio.Server | None = None
        self._busy: set[asyncio.Task[None]] = set()

    def taken(self) -> int:
        """The round trips since this was asked before."""
        taken, self._since = self._number - self._since, self._number
        return taken

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        place = self._behind.netloc.rpartition(":")[0]
        self.url = self._behind._replace(netloc=f"{place}:{port}").geturl()

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        answered = True

        async def forth() -> None:
            nonlocal answered
            while said := await reader.read(65536):
                self._number += answered
                answered = False
                there[1].write(said)
            there[1].close()

        async def back() -> None:
            nonlocal answered
            while said := await there[0].read(65536):
                answered = True
                writer.write(said)
            writer.close()

        there = await asyncio.open_connection(self._behind.hostname, self._behind.port)
        try:
            await asyncio.gather(forth(), back())
        except OSError:
            pass
        finally:
            self._busy.discard(task)
            writer.close()
            there[1].close()


@asynccontextmanager
async def counted(url: str) -> AsyncIterator[RoundTrips]:
    """A way to the server at *url* that counts."""
    way = RoundTrips(url)
    await way.open()
    try:
        yield way
    finally:
        await way.close()
