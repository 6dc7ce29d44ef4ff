"""A tunnel through an HTTP proxy: CONNECT (RFC 9110, section 9.3.6).

This is our own, since a POP3 server on port 110 speaks first. Its greeting may lie right
behind the proxy's answer, in the same segment; the libraries that were looked at read one
segment, look at its first line, and throw the rest away. Here the answer is read octet by
octet up to its empty line and not one further. It has a few hundred octets, and comes once
a connection.
"""

from __future__ import annotations

import asyncio
import re
import socket
from base64 import b64encode

from pillarbox.client.errors import quoted
from pillarbox.client.hosts import authority

MAX_ANSWER = 16 * 1024
"""Octets of an answer's header; proxies that sign their answers stay far below."""

_STATUS = re.compile(r"HTTP/1\.[0-9] ([0-9]{3})(?: (.*))?")
_WANTS_CREDENTIALS = 407


async def tunnel(
    connection: socket.socket,
    host: str,
    port: int,
    credentials: tuple[str, str],
    loop: asyncio.AbstractEventLoop,
) -> None:
    """Have the proxy at the other end of *connection* connect it to *host* and *port*.

    Args:
        connection: non-blocking; to be closed by the caller if this fails.
        host: a name, which the proxy looks up, or an address.
        port: of the server.
        credentials: user name, empty for none, and password.
        loop: the running one.

    Raises:
        ValueError: the proxy refuses, or does not speak HTTP; the text says why.
        OSError: the connection broke.
    """
    await loop.sock_sendall(connection, request(authority(host, port), *credentials))
    status, reason = _status(await _header(connection, loop))
    if status == _WANTS_CREDENTIALS:
        raise ValueError(
            "it does not take the user name and password"
            if credentials[0]
            else "it wants a user name and password: http://USER:PASSWORD@HOST:PORT"
        )
    if status // 100 != 2:  # noqa: PLR2004 -- RFC 9110: any 2xx
        raise ValueError(f"it answers {quoted(f'{status} {reason}')}; does it allow this port?")


def request(place: str, user: str, password: str) -> bytes:
    """What asks for the tunnel to *place*."""
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if user:
        basic = b64encode(f"{user}:{password}".encode()).decode("ascii")  # RFC 7617
        lines.append(f"Proxy-Authorization: Basic {basic}")
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("ascii")


async def _header(connection: socket.socket, loop: asyncio.AbstractEventLoop) -> bytes:
    header = bytearray()
    while not header.endswith((b"\n\r\n", b"\n\n")):
        octet = await loop.sock_recv(connection, 1)
        if not octet:
            raise ValueError("it broke the connection off")
        header += octet
        if len(header) > MAX_ANSWER:
            raise ValueError("its answer does not end; is it an HTTP proxy?")
    return bytes(header)


def _status(header: bytes) -> tuple[int, str]:
    line = header.partition(b"\n")[0].decode("ascii", "replace").strip()
    match = _STATUS.fullmatch(line)
    if match is None:
        raise ValueError(f"it answers {quoted(line)}; is it an HTTP proxy?")
    return int(match[1]), match[2] or ""
