"""A POP3 server that keeps to the specification, except where its script says otherwise.

::

    server = HostileServer(letters(3))
    server.instead["UIDL"] = lambda said: b"-ERR [SYS/TEMP] not today\\r\\n"
    async with server:
        ...  # it listens on server.port

It lives on the test's own event loop, so a dialogue is the same each time it is played, and a
connection can be cut behind any octet of it. ``instead`` has, by verb, what is said in the place
of the honest reply; ``GREETING`` and ``RESPONSE`` (a line inside AUTH) are verbs, too. A rule
returns octets, or None for the honest reply, or raises :class:`Cut`. A reply of no octets at
all is a server that hangs.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from tests.fetch.hostile.maildrop import Mail, Maildrop

HOST = "127.0.0.1"
USER = "alice"
PASSWORD = "correct horse"

END = b".\r\n"


class Cut(Exception):
    """Say this much, and hang up."""

    def __init__(self, said: bytes = b"") -> None:
        self.said = said


class Said:
    """One command, and what there is to know for a rule that answers it."""

    def __init__(self, session: Session, verb: str, arguments: list[str]) -> None:
        self.session = session
        self.verb = verb
        self.arguments = arguments

    @property
    def number(self) -> int:
        """The message-number; 0: none is named."""
        return int(self.arguments[0]) if self.arguments else 0

    def honest(self) -> bytes:
        """What a good server says; it does what the command asks for."""
        return self.session.honest(self.verb, self.arguments)


Rule = Callable[[Said], bytes | None]


class HostileServer:
    """See the module."""

    def __init__(self, mails: Iterable[Mail] = (), *, tls: ssl.SSLContext | None = None) -> None:
        """*tls*: for STLS, or from the first octet if ``implicit`` is set."""
        self.maildrop = Maildrop(mails)
        self.instead: dict[str, Rule] = {}
        self.greeting = "ready"
        self.capabilities = ["USER", "UIDL", "TOP"]
        self.mechanisms: list[str] = []
        self.implicit = False
        self.piece = 0
        """Octets that are written at a time; 0: all at once."""
        self.portion = 0
        """Messages that one session shows; 0: all."""
        self.cuts: dict[int, int] = {}
        """Session (from 1): octets after which its connection is cut."""
        self.drops: dict[int, int] = {}
        """Session (from 1): commands after which the next is not taken, but hung up on."""
        self.fuse: tuple[int, Callable[[], None]] | None = None
        """Octets of a session, and what is called when they have been written."""
        self.sessions: list[Session] = []
        self.port = 0
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []

    async def __aenter__(self) -> Self:
        tls = self._tls if self.implicit else None
        self._server = await asyncio.start_server(self._serve, HOST, 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        for error in self._errors:
            raise error

    @property
    def commands(self) -> list[str]:
        """All that was said to it, in all sessions: verbs with their arguments."""
        return [line for session in self.sessions for line in session.commands]

    @property
    def heard_in_clear(self) -> bytes:
        """All octets that came without TLS."""
        return b"".join(session.heard_in_clear for session in self.sessions)

    def be_good(self) -> None:
        """From now on, keep to the specification."""
        self.instead.clear()
        self.cuts.clear()
        self.drops.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        session = Session(self, reader, writer, self._tls, secured=self.implicit)
        self.sessions.append(session)
        try:
            await session.go()
        except (Cut, ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass  # a client that has enough of us
        except Exception as error:  # noqa: BLE001 - it is raised where the test sees it
            self._errors.append(error)
        finally:
            self._tasks.discard(task)
            writer.close()


class Session:
    """One connection."""

    def __init__(
        self,
        server: HostileServer,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        tls: ssl.SSLContext | None,
        *,
        secured: bool,
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._tls = tls
        self.number = len(server.sessions) + 1
        self.secured = secured
        self.signed_in = False
        self.commands: list[str] = []
        self.heard_in_clear = b""
        self.written = 0
        self.unread: list[bytes] = []
        """Commands that came before the last one was answered."""
        self.mails: list[Mail] = []
        self.marked: set[int] = set()
        self.marked_by_reading: set[int] = set()
        """For servers that do so."""
        self._begun = b""
        self._named = ""
        self._in_auth = False

    async def go(self) -> None:
        await self._answer("GREETING", [])
        while line := await self._line():
            if len(self.commands) == self._server.drops.get(self.number, -1):
                return
            if self._in_auth:
                verb, arguments = "RESPONSE", [line]
            else:
                verb, *arguments = line.split() or [""]
            verb = verb.upper()
            self.commands.append(" ".join([verb, *arguments]))
            await self._answer(verb, arguments)
            if verb == "QUIT":
                return
            if verb == "STLS" and self._tls is not None and self._may_go_on_in_tls:
                await self._writer.start_tls(self._tls)
                self.secured = True

    _may_go_on_in_tls = False

    async def _line(self) -> str:
        """The next command; empty at the end."""
        while not self.unread:
            data = await self._reader.read(65536)
            if not data:
                return ""
            if not self.secured:
                self.heard_in_clear += data
            *lines, self._begun = (self._begun + data).split(b"\n")
            self.unread += lines
        return self.unread.pop(0).decode() + "\n"

    async def _answer(self, verb: str, arguments: list[str]) -> None:
        said = Said(self, verb, arguments)
        rule = self._server.instead.get(verb)
        try:
            reply = rule(said) if rule is not None else None
            if reply is not None and verb in {"LIST", "UIDL"} and arguments:
                reply = self._line_of(reply, arguments[0])
            await self._write(said.honest() if reply is None else reply)
        except Cut as cut:
            await self._write(cut.said)
            raise

    @staticmethod
    def _line_of(listing: bytes, number: str) -> bytes | None:
        """What a server that lists so says of one message."""
        for line in listing.splitlines(keepends=True)[1:]:
            if line.split()[:1] == [number.encode()]:
                return b"+OK " + line
        return listing if listing.startswith(b"-") else None

    async def _write(self, data: bytes) -> None:
        limit = self._server.cuts.get(self.number)
        cut = limit is not None and self.written + len(data) >= limit
        if limit is not None:
            data = data[: limit - self.written]
        fuse = self._server.fuse
        if fuse is not None and self.written <= fuse[0] < self.written + len(data):
            fuse[1]()
        self.written += len(data)
        step = self._server.piece or len(data) or 1
        for start in range(0, len(data), step):
            self._writer.write(data[start : start + step])
            await self._writer.drain()
            if self._server.piece:
                await asyncio.sleep(0)  # a turn of the loop, for the client to read it by itself
        if cut:
            raise Cut

    # The honest replies.

    def honest(self, verb: str, arguments: list[str]) -> bytes:
        if verb in {"LIST", "UIDL"} and arguments:
            return self._one(verb, int(arguments[0]))
        handler = getattr(self, f"_{verb.lower()}", None)
        if handler is None:
            return b"-ERR unknown command\r\n"
        reply: bytes = handler(*arguments)
        return reply

    def _greeting(self) -> bytes:
        return f"+OK {self._server.greeting}\r\n".encode()

    def _capa(self) -> bytes:
        lines = [*self._server.capabilities]
        if self._server.mechanisms:
            lines.append("SASL " + " ".join(self._server.mechanisms))
        if self._tls is not None and not self.secured:
            lines.append("STLS")
        return "\r\n".join(["+OK", *lines, ".", ""]).encode()

    def _stls(self) -> bytes:
        if self._tls is None or self.secured:
            return b"-ERR no TLS here\r\n"
        self._may_go_on_in_tls = True
        return b"+OK begin\r\n"

    def _user(self, name: str) -> bytes:
        self._named = name
        return b"+OK\r\n"

    def _pass(self, *words: str) -> bytes:
        return self._signed_in(right=(self._named, " ".join(words)) == (USER, PASSWORD))

    def _auth(self, mechanism: str, initial: str | None = None) -> bytes:
        if mechanism != "PLAIN":
            return b"-ERR no such mechanism\r\n"
        if initial is None:
            self._in_auth = True
            return b"+ \r\n"
        return self._response(initial)

    def _response(self, line: str) -> bytes:
        self._in_auth = False
        if line.strip() == "*":
            return b"-ERR cancelled\r\n"
        _, name, password = b64decode(line).decode().split("\0")
        return self._signed_in(right=(name, password) == (USER, PASSWORD))

    def _signed_in(self, *, right: bool) -> bytes:
        if not right:
            return b"-ERR [AUTH] wrong\r\n"
        self.signed_in = True
        shown = self._server.maildrop.shown()
        self.mails = shown[: self._server.portion or len(shown)]
        return b"+OK signed in\r\n"

    def listed(self) -> list[tuple[int, Mail]]:
        """Those that are not marked as deleted, with their numbers."""
        return [(n, mail) for n, mail in enumerate(self.mails, 1) if n not in self.marked]

    def _stat(self) -> bytes:
        mails = [mail for _, mail in self.listed()]
        return b"+OK %d %d\r\n" % (len(mails), sum(len(mail.content) for mail in mails))

    def _list(self) -> bytes:
        lines = [b"%d %d\r\n" % (n, len(mail.content)) for n, mail in self.listed()]
        return b"+OK\r\n" + b"".join(lines) + END

    def _uidl(self) -> bytes:
        lines = [b"%d %s\r\n" % (n, mail.unique_id.encode()) for n, mail in self.listed()]
        return b"+OK\r\n" + b"".join(lines) + END

    def _one(self, verb: str, number: int) -> bytes:
        mail = dict(self.listed()).get(number)
        if mail is None:
            return b"-ERR no such message\r\n"
        what = mail.unique_id if verb == "UIDL" else len(mail.content)
        return f"+OK {number} {what}\r\n".encode()

    def _retr(self, number: str) -> bytes:
        mail = dict(self.listed()).get(int(number))
        if mail is None:
            return b"-ERR no such message\r\n"
        self._server.maildrop.retrieved[mail.unique_id] += 1
        return b"+OK %d octets\r\n" % len(mail.content) + stuffed(mail.content) + END

    def _top(self, number: str, lines: str) -> bytes:
        mail = dict(self.listed()).get(int(number))
        if mail is None:
            return b"-ERR no such message\r\n"
        header, _, body = mail.content.partition(b"\r\n\r\n")
        rest = b"".join(body.splitlines(keepends=True)[: int(lines)])
        return b"+OK\r\n" + stuffed(header + b"\r\n\r\n" + rest) + END

    def _dele(self, number: str) -> bytes:
        if int(number) not in dict(self.listed()):
            return b"-ERR no such message\r\n"
        self.marked.add(int(number))
        return b"+OK\r\n"

    def _rset(self) -> bytes:
        self.marked.clear()
        return b"+OK\r\n"

    def _noop(self) -> bytes:
        return b"+OK\r\n"

    def _quit(self) -> bytes:
        if self.signed_in:
            self._server.maildrop.remove([self.mails[number - 1] for number in sorted(self.marked)])
        return b"+OK bye\r\n"


def stuffed(content: bytes) -> bytes:
    """With its dots doubled, and its last line ended."""
    content = content if not content or content.endswith(b"\r\n") else content + b"\r\n"
    lines = content.splitlines(keepends=True) if b"\r\n." in content or content[:1] == b"." else []
    if not lines:
        return content
    return b"".join(b"." + line if line.startswith(b".") else line for line in lines)
