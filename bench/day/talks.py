"""Many conversations in one thread: each is a generator that yields when it has to wait.

(asyncio would do but for one thing: it has no way to resume a TLS session.)
"""

from __future__ import annotations

import selectors
import socket
import ssl
from collections.abc import Callable, Generator
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import TypeVar

from bench.client import is_whole

T = TypeVar("T")
Talk = Generator[tuple[socket.socket, int], None, T]
"""Yields what it waits for: a socket, and whether it is to be read or written."""

_READ = 64 * 1024
_PATIENCE = 300.0
"""Seconds that all servers may be silent to everybody."""


class Line:
    """A connection. Its methods are talks, but for those that send nothing."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = b""

    def close(self) -> None:
        self.socket.close()

    def start_tls(self, context: ssl.SSLContext, session: ssl.SSLSession | None) -> Talk[bool]:
        """Returns whether *session* was resumed."""
        connection = context.wrap_socket(
            self.socket,
            server_hostname="localhost",
            session=session,
            do_handshake_on_connect=False,
        )
        self.socket = connection
        yield from self._until(connection.do_handshake, EVENT_READ)
        return bool(connection.session_reused)

    def say(self, data: bytes) -> Talk[None]:
        while data:
            sent = yield from self._until(partial(self.socket.send, data), EVENT_WRITE)
            data = data[sent:]

    def line(self, wanted: bytes) -> Talk[bytes]:
        """The next line, which must begin so.

        Raises:
            AssertionError: it does not.
        """
        while b"\r\n" not in self._got:
            self._got += yield from self._more()
        line, _, self._got = self._got.partition(b"\r\n")
        if not line.startswith(wanted):
            raise AssertionError(f"not {wanted!r}: {line[:200]!r}")
        return line

    def command(self, command: bytes) -> Talk[bytes]:
        """A command of POP3 that has a one-line reply, which must be good."""
        yield from self.say(command + b"\r\n")
        return (yield from self.line(b"+OK"))

    def content(self, command: bytes) -> Talk[bytes]:
        """One that has a multi-line reply: what is behind its first line, with the dot at its end.
        Nothing may be pipelined behind it.
        """
        yield from self.command(command)
        pieces = [b"\r\n" + self._got]
        while not is_whole(pieces):
            pieces.append((yield from self._more()))
        self._got = b""
        return b"".join(pieces)[2:]

    def _more(self) -> Talk[bytes]:
        data = yield from self._until(partial(self.socket.recv, _READ), EVENT_READ)
        if not data:
            raise AssertionError("the server hung up")
        return data

    def _until(self, act: Callable[[], T], wanted: int) -> Talk[T]:
        """Do it when it can be done; TLS may have to read in order to write, and the other way."""
        while True:
            try:
                return act()
            except BlockingIOError:
                waits_for = wanted
            except ssl.SSLWantReadError:
                waits_for = EVENT_READ
            except ssl.SSLWantWriteError:
                waits_for = EVENT_WRITE
            yield self.socket, waits_for


def drive(begin: Callable[[], Talk[None] | None], width: int) -> None:
    """Go on with *width* talks at once until there are no more.

    Args:
        begin: the next talk; None: there is none for now.
        width: how many.

    Raises:
        AssertionError: of a talk; or nobody has said anything for too long.
    """
    with selectors.DefaultSelector() as selector:

        def goes_on(talk: Talk[None]) -> bool:
            try:
                waits_for = next(talk)
            except StopIteration:
                return False
            selector.register(*waits_for, talk)
            return True

        try:
            running = 0
            while True:
                while running < width and (talk := begin()) is not None:
                    running += goes_on(talk)
                if not running:
                    return
                ready = selector.select(_PATIENCE)
                if not ready:
                    raise AssertionError("the server says nothing any more")
                for key, _ in ready:
                    selector.unregister(key.fileobj)
                    running -= not goes_on(key.data)
        finally:  # one has failed: the others let go of their connections
            for key in list(selector.get_map().values()):
                key.data.close()
