"""The page is served: uvicorn, on sockets that were bound before."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from pillarbox.http_server import HttpServer

GRACE = 2
"""Seconds that requests have to finish once the page is to end. Streams of news have ended before."""
KEEP_ALIVE = 75
"""Seconds for which a browser may keep a connection: as long as they themselves do."""
MOST_CONNECTIONS = 500
"""Some tabs with six each, and room for a bad day. More are told to come back."""


class PageServer:
    """Of *app* at *sockets*; with TLS if there is a certificate."""

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket.socket],
        *,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        self._sockets = list(sockets)
        self._server = HttpServer(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,  # the first request has the token in its URL
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=GRACE,
                limit_concurrency=MOST_CONNECTIONS,
                ssl_certfile=certificate,
                ssl_keyfile=key,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> asyncio.Task[None]:
        """Accept; the task ends when the page does.

        Raises:
            OSError: it cannot.
        """
        self._serving = asyncio.create_task(self._server.serve(self._sockets), name="page")
        await self._server.wait_until_started(self._serving)
        return self._serving

    async def stop(self) -> None:
        """Accept no more, and let requests finish. Whoever listens to news has been told before that they end
        (:meth:`pillarbox.reader.news.News.close`).
        """
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
