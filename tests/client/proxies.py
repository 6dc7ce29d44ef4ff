"""A SOCKS5 proxy and an HTTP proxy on loopback, and a POP3 server behind them.

They are as small as they can be and real: they connect to the server and pass bytes on.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Serve = Callable[[Reader, Writer], Awaitable[None]]

GREETING = b"+OK POP3 server ready\r\n"


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """A server; the port."""

    async def closing(reader: Reader, writer: Writer) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(closing, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def pop3_server(reader: Reader, writer: Writer) -> None:
    """Greets, and says what it was told."""
    writer.write(GREETING)
    writer.write(await reader.readline())


class SocksProxy:
    """RFC 1928 with RFC 1929, for CONNECT."""

    def __init__(self, server_port: int, user: bytes = b"", password: bytes = b"") -> None:
        self.server_port = server_port
        self.credentials = (user, password)
        self.asked: list[tuple[int, bytes, int]] = []
        """Type, host and port of each request."""
        self.answer = 0
        """Reply code; 0 is success."""

    async def serve(self, reader: Reader, writer: Writer) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        wanted = 2 if any(self.credentials) else 0
        if wanted not in methods:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, wanted]))
        if wanted and not await self._sign_in(reader, writer):
            return
        await self._connect(reader, writer)

    async def _sign_in(self, reader: Reader, writer: Writer) -> bool:
        _, length = await reader.readexactly(2)
        user = await reader.readexactly(length)
        password = await reader.readexactly((await reader.readexactly(1))[0])
        right = (user, password) == self.credentials
        writer.write(b"\x01\x00" if right else b"\x01\x01")
        return right

    async def _connect(self, reader: Reader, writer: Writer) -> None:
        _, _, _, kind = await reader.readexactly(4)
        length = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
        host = await reader.readexactly(length)
        self.asked.append((kind, host, int.from_bytes(await reader.readexactly(2), "big")))
        writer.write(bytes([5, self.answer, 0, 1, 127, 0, 0, 1, 0, 0]))
        if self.answer == 0:
            await pass_on(reader, writer, self.server_port)


class HttpProxy:
    """RFC 9110, CONNECT."""

    def __init__(self, server_port: int, user: str = "", password: str = "") -> None:
        self.server_port = server_port
        self.credentials = f"{user}:{password}" if user else ""
        self.asked: list[bytes] = []
        """First lines."""
        self.answer = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n"
        self.waits_for_greeting = False
        """Whether the answer and the server's greeting go out in one segment."""

    async def serve(self, reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *fields = head.strip().split(b"\r\n")
        self.asked.append(first)
        if self.credentials and self.credentials not in map(_basic, fields):
            writer.write(b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\n\r\n")
        elif b" 200 " not in self.answer:
            writer.write(self.answer)
        elif self.waits_for_greeting:
            await pass_on(reader, writer, self.server_port, self.answer)
        else:
            writer.write(self.answer)
            await pass_on(reader, writer, self.server_port)


def _basic(field: bytes) -> str:
    name, _, value = field.partition(b": Basic ")
    return b64decode(value).decode() if name.lower() == b"proxy-authorization" else ""


async def pass_on(reader: Reader, writer: Writer, port: int, before: bytes = b"") -> None:
    """Connect to the server, and pass bytes on until both ends have no more.

    *before* goes to the client in one segment with the first bytes of the server.
    """
    server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
    if before:
        writer.write(before + await server_reader.readline())
    await asyncio.gather(_copy(reader, server_writer), _copy(server_reader, writer))
    server_writer.close()


async def _copy(reader: Reader, writer: Writer) -> None:
    while piece := await reader.read(4096):
        writer.write(piece)
    writer.write_eof()
