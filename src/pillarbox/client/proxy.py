"""A connection to the server, straight or through a proxy (:mod:`pillarbox.client.through_proxy`)."""

from __future__ import annotations

import asyncio
import socket

from pillarbox.client.dialing import dial
from pillarbox.client.errors import TimedOut
from pillarbox.client.hosts import authority


async def open_connection(
    host: str,
    port: int,
    *,
    proxy: str | None,
    timeout: float,  # noqa: ASYNC109 -- one for names, addresses and proxy together
    loop: asyncio.AbstractEventLoop,
) -> socket.socket:
    """A connected, non-blocking socket to *host* and *port*.

    Args:
        host: in its one spelling (:mod:`pillarbox.client.hosts`).
        port: of the server.
        proxy: URL of a proxy; None: none.
        timeout: seconds until it has to be connected.
        loop: the running one.

    Raises:
        InvalidUrl: the proxy's URL is none.
        InvalidSetting: a SOCKS proxy is asked for, and ``python-socks`` is not installed.
        TimedOut: it took too long.
        Unreachable: it did not come about.
    """
    where = authority(host, port)
    try:
        async with asyncio.timeout(timeout):
            if proxy is None:
                return await dial(host, port, loop)
            from pillarbox.client.through_proxy import Proxy, through  # noqa: PLC0415 -- seldom needed

            parsed = Proxy.parse(proxy)
            where += f" through the proxy {parsed.place}"
            return await through(parsed, host, port, timeout, loop)
    except TimeoutError:
        raise TimedOut(
            f"no connection to {where} within {timeout:g} seconds; check the network, or give it "
            "more time with --timeout"
        ) from None
