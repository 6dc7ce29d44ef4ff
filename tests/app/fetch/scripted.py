"""A small POP3 server of the tests' own, where ours does not do what a test needs."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Script:
    """What it has, and what it does."""

    def __init__(self, messages: Sequence[bytes] = (), *, token: str | None = None) -> None:
        self.messages = list(messages)
        """Canonical, without lines that begin with a dot."""
        self.token = token
        """The access token that XOAUTH2 has to bring; None: USER and PASS, with anything."""
        self.stalls_at: int | None = None
        """The message in the middle of which it falls silent."""
        self.stalled = threading.Event()
        self.released = threading.Event()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    script: Script


class _Handler(StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self._marked: set[int] = set()
        self._say("+OK ready")
        verb = ""
        while verb != "QUIT" and (line := self.rfile.readline().decode().strip()):
            verb, _, rest = line.partition(" ")
            act = getattr(self, f"_{verb.lower()}", None)
            if act is None:
                self._say("-ERR what?")
            else:
                act(rest)

    def _ok(self, _rest: str) -> None:
        self._say("+OK")

    _user = _pass = _noop = _ok

    def _capa(self, _rest: str) -> None:
        ways = "USER" if self.server.script.token is None else "SASL XOAUTH2"
        self._say("+OK", ways, "UIDL", ".")

    def _stat(self, _rest: str) -> None:
        self._say(f"+OK {len(self.server.script.messages)} 0")

    def _list(self, _rest: str) -> None:
        self._say("+OK", *self._each(lambda message: str(len(message))), ".")

    def _uidl(self, rest: str) -> None:
        lines = self._each(lambda message: f"id-{hash(message)}")
        if rest:
            self._say(f"+OK {lines[int(rest) - 1]}")
        else:
            self._say("+OK", *lines, ".")

    def _dele(self, rest: str) -> None:
        self._marked.add(int(rest))
        self._say("+OK")

    def _quit(self, _rest: str) -> None:
        kept = enumerate(self.server.script.messages, 1)
        self.server.script.messages = [m for n, m in kept if n not in self._marked]
        self._say("+OK")

    def _auth(self, rest: str) -> None:
        response = base64.b64decode(rest.partition(" ")[2]).decode()
        good = f"auth=Bearer {self.server.script.token}\x01\x01" in response
        self._say("+OK" if good else "-ERR [AUTH] no such token")

    def _each(self, said: Callable[[bytes], str]) -> list[str]:
        return [f"{n} {said(m)}" for n, m in enumerate(self.server.script.messages, 1)]

    def _retr(self, rest: str) -> None:
        number = int(rest)
        script = self.server.script
        message = script.messages[number - 1]
        self._say("+OK")
        if script.stalls_at == number:
            script.stalls_at = None
            self.wfile.write(message[:10])
            script.stalled.set()
            script.released.wait()
            return
        self.wfile.write(message + b".\r\n")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """Plays *script*; gives its URL, which has no TLS."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.script = script
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"pop3://alice@127.0.0.1:{server.server_address[1]}"
        finally:
            script.released.set()
            server.shutdown()
            thread.join()
