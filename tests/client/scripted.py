"""A POP3 server that says what it is told to, on a real socket: right, odd, cut off or hostile.

Answers are looked up by the line that came (or its keyword), so a client may pipeline, come
back, and leave things out. What it heard is kept, in clear and over TLS apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Self

HOST = "127.0.0.1"
USER = "alice"
PASSWORD = "a fine and private place"

Answer = bytes | Callable[["Peer"], Awaitable[None]]
"""What to say; or what to do."""

MAILS = {
    1: b"Received: x\r\nSubject: one\r\n\r\nfirst\r\n.\r\n..dots\r\n",
    2: b"Received: x\r\n\r\n\n.\n+OK forged\r\n",
    3: b"",
}


def multiline(*lines: bytes) -> bytes:
    return b"+OK\r\n" + b"".join(line + b"\r\n" for line in lines) + b".\r\n"


def retr(content: bytes) -> bytes:
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return b"+OK here\r\n" + stuffed + b".\r\n"


def answers(**others: Answer) -> dict[bytes, Answer]:
    """A well-behaved server's; *others* by keyword, replacing or adding."""
    usual: dict[bytes, Answer] = {
        b"CAPA": multiline(b"USER", b"UIDL", b"TOP", b"PIPELINING"),
        b"STLS": Peer.upgrade,
        b"USER": b"+OK\r\n",
        b"PASS": b"+OK welcome\r\n",
        b"STAT": b"+OK 3 100\r\n",
        b"LIST": multiline(b"1 52", b"2 30", b"3 0"),
        b"UIDL": multiline(b"1 a", b"2 b", b"3 c"),
        b"RETR 1": retr(MAILS[1]),
        b"RETR 2": retr(MAILS[2]),
        b"RETR 3": retr(MAILS[3]),
        b"TOP": retr(b"Received: x\r\n\r\n"),
        b"DELE": b"+OK\r\n",
        b"RSET": b"+OK\r\n",
        b"NOOP": b"+OK\r\n",
        b"QUIT": b"+OK bye\r\n",
    }
    return usual | {keyword.encode(): answer for keyword, answer in others.items()}


class Peer:
    """One client's connection."""

    def __init__(
        self, server: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.left = server.cut
        self.secured = server.implicit_tls is not None

    async def say(self, data: bytes) -> None:
        """Send, as far as the cut allows; then hang up, or hang."""
        if self.left is not None:
            data, self.left = data[: self.left], self.left - len(data)
        self.writer.write(data)
        self.server.said += len(data)
        await self.writer.drain()
        if self.left is not None and self.left < 0:
            if self.server.hangs:
                await self.reader.read()  # until the client gives up
            raise ConnectionAbortedError

    async def upgrade(self) -> None:
        """STLS, as it should be."""
        assert self.server.tls is not None
        await self.say(b"+OK begin TLS\r\n")
        await self.writer.start_tls(self.server.tls)
        self.secured = True

    async def hear(self) -> bytes:
        line = await self.reader.readline()
        (self.server.heard if self.secured else self.server.heard_in_clear).append(line.rstrip())
        return line

    async def serve(self) -> None:
        await self.say(self.server.greeting)
        while line := await self.hear():
            answers = self.server.answers
            found = answers.get(line.strip()) or answers.get(
                line.split()[0] if line.split() else b""
            )
            if found is None:
                await self.say(b"-ERR what?\r\n")
            elif isinstance(found, bytes):
                await self.say(found)
            else:
                await found(self)
            if line.strip() == b"QUIT":
                break


class Scripted:
    """The server. ``async with`` it; clients that are still there at the end are cut off."""

    def __init__(
        self,
        answers: Mapping[bytes, Answer],
        *,
        greeting: bytes = b"+OK ready\r\n",
        implicit_tls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        cut: int | None = None,
        hangs: bool = False,
    ) -> None:
        """*cut*: octets after which each connection ends, or hangs. *tls*: for STLS."""
        self.answers = answers
        self.greeting = greeting
        self.implicit_tls = implicit_tls
        self.tls = tls
        self.cut = cut
        self.hangs = hangs
        self.said = 0
        self.heard: list[bytes] = []
        self.heard_in_clear: list[bytes] = []
        self.connections = 0
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def url(self, scheme: str = "pop3") -> str:
        return f"{scheme}://{USER}@{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._meet, HOST, 0, ssl=self.implicit_tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # for the transports to notice

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with contextlib.suppress(OSError):
                await Peer(self, reader, writer).serve()
        except asyncio.CancelledError:
            pass  # the test is over; asyncio's streams would report a task that says so
        finally:
            self._tasks.discard(task)
            writer.close()  # and no wait: after a handshake that failed it would be for ever
