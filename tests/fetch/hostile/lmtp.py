"""The smallest LMTP server that takes mail: one recipient, no questions."""

from __future__ import annotations

import asyncio
import re
from types import TracebackType
from typing import Self

from tests.fetch.hostile.server import HOST


class LmtpServer:
    """Keeps what it has said 250 to, in order, unstuffed."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                writer.write(b"354 go on\r\n" if verb == b"DATA" else b"250 fine\r\n")
                if verb == b"DATA":
                    content = await reader.readuntil(b"\r\n.\r\n")
                    self.taken.append(re.sub(rb"(?m)^\.", b"", content[:-3]))
                    writer.write(b"250 taken\r\n")
                if verb == b"QUIT":
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client was killed
        finally:
            writer.close()
