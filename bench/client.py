"""A POP3 driver that costs little, and checks all that it receives."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType
from typing import Self

from bench.peers.contract import PASSWORD

_BUFFER = 256 * 1024
END = b"\r\n.\r\n"


class Client:
    """One connection, blocking."""

    def __init__(
        self,
        port: int,
        tls: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        """*session*: of an earlier connection, to be resumed."""
        plain = socket.create_connection((host, port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = plain
        if tls:
            self.socket = tls.wrap_socket(plain, server_hostname="localhost", session=session)
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

    def exactly(self, commands: bytes, expected: bytes) -> None:
        """Send commands whose replies are, altogether, *expected*."""
        self.socket.sendall(commands)
        left = memoryview(expected)
        while left:
            data = self.socket.recv(min(len(left), _BUFFER))
            if not data or data != left[: len(data)]:
                raise AssertionError(f"another reply than expected: {data[:200]!r}")
            left = left[len(data) :]

    def drain(self, first: int, last: int, octets: int) -> None:
        """RETR and DELE of these messages in one write; each RETR's reply has *octets*."""
        numbers = range(first, last + 1)
        self.socket.sendall(b"".join([b"RETR %d\r\nDELE %d\r\n" % (n, n) for n in numbers]))
        got = bytearray()
        for _ in numbers:
            while len(got) < octets or b"\n" not in got[octets:]:
                got += self._more()
            end = got.index(b"\n", octets) + 1
            if not (got.startswith(b"+OK") and got[:octets].endswith(END)):
                raise AssertionError(f"not a message: {bytes(got[:200])!r}")
            if not got[octets:end].startswith(b"+OK"):
                raise AssertionError(f"not marked: {bytes(got[octets:end])!r}")
            del got[:end]

    @property
    def session(self) -> ssl.SSLSession | None:
        """What a later connection can resume."""
        return self.socket.session if isinstance(self.socket, ssl.SSLSocket) else None

    @property
    def resumed(self) -> bool:
        return isinstance(self.socket, ssl.SSLSocket) and bool(self.socket.session_reused)

    def sign_in(self, user: str, password: str = PASSWORD) -> bytes:
        """The reply to PASS."""
        self.command(b"USER " + user.encode())
        return self.command(b"PASS " + password.encode())

    def quit(self) -> None:
        self.command(b"QUIT")
        self.socket.close()

    def _more(self) -> bytes:
        data = self.socket.recv(_BUFFER)
        if not data:
            raise AssertionError("the server hung up")
        return data
