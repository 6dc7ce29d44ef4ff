"""A POP3 driver that costs little, and checks all that it receives."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from bench.peers.contract import PASSWORD

_BUFFER = 256 * 1024
_PATIENCE = 300.0
"""Seconds: who has not said all that it should by then has said too little."""
END = b"\r\n.\r\n"


def is_whole(pieces: Sequence[bytes]) -> bool:
    """Whether the end of a multi-line reply has come, wherever these pieces of it are cut."""
    size = len(END)
    return b"".join([piece[-size:] for piece in pieces[-size:]]).endswith(END)


class Client:
    """One connection, blocking. To be met (:meth:`meet`) before anything is said."""

    _heard = bytearray(_BUFFER)
    """What is received to be compared. One for all: the clients of a driver are in one thread."""

    def __init__(
        self,
        port: int,
        tls: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        """Connects, and says the first word of TLS; *session*: of an earlier connection, to be
        resumed.
        """
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.greeting = b""
        if tls:
            self.socket.setblocking(False)
            self.socket = tls.wrap_socket(
                self.socket,
                server_hostname="localhost",
                session=session,
                do_handshake_on_connect=False,
            )
            with contextlib.suppress(ssl.SSLWantReadError):
                self.socket.do_handshake()
        self.socket.settimeout(_PATIENCE)

    def meet(self) -> Self:
        """Ends the handshake and hears the greeting."""
        if isinstance(self.socket, ssl.SSLSocket):
            self.socket.do_handshake()
        self.greeting = self.line()
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.socket.close()

    def say(self, commands: bytes) -> None:
        """Send these octets, and wait for nothing."""
        self.socket.sendall(commands)

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
        self.say(command + b"\r\n")
        return self.line()

    def listing(self, command: bytes) -> bytes:
        """Send a command that has a multi-line reply; the reply, whole."""
        self.say(command + b"\r\n")
        return self.multiline()

    def multiline(self) -> bytes:
        """A multi-line reply, whole; it must be a good one."""
        pieces = [self._more()]
        while not is_whole(pieces):
            pieces.append(self._more())
        reply = b"".join(pieces)
        if not reply.startswith(b"+OK"):
            raise AssertionError(f"not +OK: {reply[:200]!r}")
        return reply

    def exactly(self, commands: bytes, expected: bytes) -> None:
        """Send commands whose replies are, altogether, *expected*."""
        self.say(commands)
        self.hear(expected)

    def hear(self, expected: bytes) -> None:
        """Receive as much as *expected* is, which it must be to the last octet."""
        size, got = len(expected), 0
        if size > len(self._heard):
            self._heard.extend(bytes(size - len(self._heard)))
        with memoryview(self._heard) as space:
            while got < size:
                more = self.socket.recv_into(space[got:size])
                if not more:
                    raise AssertionError(f"the server hung up after {got} octets of {size}")
                got += more
        if not self._heard.startswith(expected):
            raise AssertionError(f"another reply than expected: {bytes(self._heard[:200])!r}")

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
