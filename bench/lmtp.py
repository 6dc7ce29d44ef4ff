"""An LMTP driver that costs little, and takes one answer for each recipient (RFC 2033)."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Self


class Lmtp:
    """One connection, blocking. The servers here all know PIPELINING."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = self._socket.makefile("rb")
        self._expect(b"220")
        self._say(b"LHLO localhost\r\n", b"250")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def deliver(self, sender: str, recipients: Sequence[str], text: bytes) -> None:
        """One message; *text* has CRLF and no line that begins with a dot.

        Raises:
            AssertionError: it was not taken for everybody.
        """
        envelope = [f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{one}>" for one in recipients), "DATA"]
        self._socket.sendall("".join(f"{line}\r\n" for line in envelope).encode())
        for _ in envelope[:-1]:
            self._expect(b"250")
        self._expect(b"354")
        self._socket.sendall(text + b".\r\n")
        for _ in recipients:
            self._expect(b"250")

    def _say(self, command: bytes, wanted: bytes) -> None:
        self._socket.sendall(command)
        self._expect(wanted)

    def _expect(self, wanted: bytes) -> None:
        line = self._replies.readline()
        while line[3:4] == b"-":
            line = self._replies.readline()
        if not line.startswith(wanted):
            raise AssertionError(f"not {wanted.decode()}: {line!r}")
