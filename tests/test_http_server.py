from __future__ import annotations

import asyncio
import socket

import pytest
import uvicorn
from starlette.responses import Response

from pillarbox.http_server import HttpServer


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_short_reply_does_not_wait_for_an_acknowledgement(host: str) -> None:
    """The pages' took 48 ms instead of 5."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, 0), family=family)
    config = uvicorn.Config(Response("short"), log_config=None, lifespan="off")
    server = HttpServer(config)
    serving = asyncio.create_task(server.serve([listening]))
    await server.wait_until_started(serving)
    reader, writer = await asyncio.open_connection(*listening.getsockname()[:2])
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    (connection,) = server.server_state.connections
    accepted = connection.transport.get_extra_info("socket")
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    writer.close()
    await writer.wait_closed()
    server.should_exit = True
    await serving
