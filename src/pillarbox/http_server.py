"""Uvicorn as one part of a process among others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn


class HttpServer(uvicorn.Server):
    """Without signal handling of its own: the process has its orders already."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._begun = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """What is accepted at *sockets* sends at once what it has to send.

        Loops see to that by themselves only where a socket names its protocol (``IPPROTO_TCP``), and not 0. Without it the
        second piece of a short reply waits for the client's acknowledgement of the first, which takes its time: 40 ms.
        """
        for each in sockets or ():
            if each.family in {socket.AF_INET, socket.AF_INET6}:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await super().startup(sockets)
        self._begun.set()

    async def wait_until_started(self, serving: asyncio.Task[None]) -> None:
        """Return when it accepts; raises what kept it from that."""
        begun = asyncio.create_task(self._begun.wait())
        await asyncio.wait({begun, serving}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        if serving.done():
            serving.result()
            raise OSError("the page ended at once")
