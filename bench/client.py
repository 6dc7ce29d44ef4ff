"""A POP3 driver that costs little, and checks the length of everything it receives."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType
from typing import Self

_BUFFER = 256 * 1024
END = b"\r\n.\r\n"


class Client:
    """One connection, blocking."""

    def __init__(
        self, port: int, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        plain = socket.create_connection((host, port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        self._scratch = bytearray(_BUFFER)
        self.greeting = self.line()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.socket.close()

    def line(self) -> bytes:
        """One status line; it must be a good one, and nothing may follow it."""
        reply = self.socket.recv(_BUFFER)
        while not reply.endswith(b"\r\n"):
            reply += self._more()
        if not reply.startswith(b"+OK") or reply.count(b"\n") != 1:
            raise AssertionError(f"not one +OK: {reply[:200]!r}")
        return reply

    def command(self, command: bytes) -> bytes:
        """Send a command that has a one-line reply."""
        self.socket.sendall(command + b"\r\n")
        return self.line()

    def listing(self, command: bytes) -> bytes:
        """Send a command that has a multi-line reply; the reply, whole."""
        self.socket.sendall(command + b"\r\n")
        pieces = [self._more()]
        while not (pieces[-1].endswith(END) or b"".join(pieces[-2:]).endswith(END)):
            pieces.append(self._more())
        reply = b"".join(pieces)
        if not reply.startswith(b"+OK"):
            raise AssertionError(f"not +OK: {reply[:200]!r}")
        return reply

    def exactly(self, commands: bytes, octets: int) -> None:
        """Send commands whose replies are *octets* long altogether."""
        self.socket.sendall(commands)
        while octets > 0:
            octets -= self.socket.recv_into(self._scratch, min(octets, _BUFFER))

    def sign_in(self, user: str, password: str) -> None:
        self.command(b"USER " + user.encode())
        self.command(b"PASS " + password.encode())

    def quit(self) -> None:
        self.command(b"QUIT")
        self.socket.close()

    def _more(self) -> bytes:
        data = self.socket.recv(_BUFFER)
        if not data:
            raise AssertionError("the server hung up")
        return data
