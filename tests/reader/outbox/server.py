"""A submission server that keeps to the specification, except where its script says otherwise.

``instead`` has, by verb, what is said in the place of the honest reply; ``GREETING``, ``RESPONSE`` (a line inside AUTH) and
``END`` (the final dot) are verbs, too. A rule returns octets, or None for the honest reply, or raises :class:`Cut`. A reply
of no octets is a server that hangs. ``says`` and ``hears`` are how many octets it says and hears on
each connection before it hangs up.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from base64 import b64decode
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

from tests.ports import free_port

HOST = "127.0.0.1"
USER, PASSWORD = "alice", "correct horse"


class Cut(Exception):
    """Say this much, and hang up."""

    def __init__(self, said: bytes = b"") -> None:
        self.said = said


class Taken(NamedTuple):
    """A message that the server is responsible for."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


Rule = Callable[["Session", str], bytes | None]


def says(reply: bytes, *, times: int | None = None) -> Rule:
    """A rule that says the same, always or so many *times*."""
    left = [times]

    def rule(_: Session, __: str) -> bytes | None:
        if left[0] is None:
            return reply
        left[0] -= 1
        return reply if left[0] >= 0 else None

    return rule


class HostileServer:
    """What it takes is in ``taken``, whether or not it could say so."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, starttls: bool = False) -> None:
        self.tls = tls
        self.starttls = starttls
        self.extensions = ["PIPELINING", "SIZE 10000000", "8BITMIME", "SMTPUTF8"]
        self.mechanisms = ["PLAIN", "LOGIN"]
        self.takes_token = ""
        self.instead: dict[str, Rule] = {}
        self.taken: list[Taken] = []
        self.heard: list[str] = []
        self.signed_in: list[str] = []
        self.says: int | None = None
        self.hears: int | None = None
        self.connections = 0
        self.port = free_port()  # it may come back
        self._sessions: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        implicit = None if self.starttls else self.tls
        self._server = await asyncio.start_server(self._serve, HOST, self.port, ssl=implicit)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._server.close()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        self.connections += 1
        try:
            await Session(self, reader, writer).run()
        except (Cut, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            self._sessions.discard(task)
            writer.close()


class Session:
    """One connection."""

    def __init__(
        self, server: HostileServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self._reader = reader
        self._writer = writer
        self._says = server.says
        self._hears = server.hears
        self.secured = server.tls is not None and not server.starttls
        self.sender = ""
        self.recipients: list[str] = []

    async def run(self) -> None:
        await self._reply("GREETING", "", b"220 here ESMTP\r\n")
        while line := await self._line():
            verb, _, argument = line.partition(" ")
            self.server.heard.append(line)
            await self._command(verb.upper(), argument)
            if verb.upper() == "QUIT":
                return

    async def _command(self, verb: str, argument: str) -> None:
        match verb:
            case "EHLO":
                await self._reply(verb, argument, self._announced())
            case "STARTTLS":
                await self._reply(verb, argument, b"220 go on\r\n")
                assert self.server.tls is not None
                await self._writer.start_tls(self.server.tls)
                self.secured = True
            case "AUTH":
                await self._sign_in(argument)
            case "MAIL":
                self.sender, self.recipients = _path(argument), []
                await self._reply(verb, argument, b"250 fine\r\n")
            case "RCPT":
                if await self._reply(verb, argument, b"250 fine\r\n"):
                    self.recipients.append(_path(argument))
            case "DATA":
                if await self._reply(verb, argument, b"354 go on\r\n"):
                    await self._content()
            case _:
                await self._reply(verb, argument, b"250 fine\r\n")

    def _announced(self) -> bytes:
        lines = ["here", *self.server.extensions]
        if self.server.starttls and not self.secured:
            lines.append("STARTTLS")
        elif self.server.mechanisms:
            lines.append(f"AUTH {' '.join(self.server.mechanisms)}")
        marked = [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]
        return "".join(f"{line}\r\n" for line in marked).encode()

    async def _sign_in(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        if mechanism == "XOAUTH2":
            await self._check_token(argument, initial)
            return
        if mechanism not in {"PLAIN", "LOGIN"}:
            await self._reply("AUTH", argument, b"504 unknown\r\n")
            return
        if mechanism == "LOGIN":
            await self._say(b"334 VXNlcm5hbWU6\r\n")
            user = b64decode(await self._line()).decode()
            await self._say(b"334 UGFzc3dvcmQ6\r\n")
            given = (user, b64decode(await self._line()).decode())
        else:
            _, user, password = b64decode(initial).decode().split("\0")
            given = (user, password)
        honest = b"235 welcome\r\n" if given == (USER, PASSWORD) else b"535 5.7.8 wrong\r\n"
        if await self._reply("AUTH", argument, honest):
            self.server.signed_in.append(mechanism)

    async def _check_token(self, argument: str, initial: str) -> None:
        right = f"auth=Bearer {self.server.takes_token}\x01" in b64decode(initial).decode()
        honest = b"235 welcome\r\n" if right else b"535 5.7.8 wrong\r\n"
        if await self._reply("AUTH", argument, honest):
            self.server.signed_in.append("XOAUTH2")

    async def _content(self) -> None:
        lines = []
        while (line := await self._heard_line()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        whole = b"".join(lines)
        taken = Taken(self.sender, tuple(self.recipients), whole)
        rule = self.server.instead.get("END")
        try:
            said = rule(self, "") if rule else None
        except Cut as cut:
            if cut.said:  # it has it, but cannot say so any more
                self.server.taken.append(taken)
            raise
        if said is None or said.startswith(b"2"):
            self.server.taken.append(taken)
        await self._say(b"250 taken\r\n" if said is None else said)

    async def _reply(self, verb: str, argument: str, honest: bytes) -> bool:
        """Whether it was a good one."""
        rule = self.server.instead.get(verb)
        try:
            said = rule(self, argument) if rule else None
        except Cut as cut:
            if cut.said:
                await self._say(cut.said)
            raise
        reply = honest if said is None else said
        await self._say(reply)
        return reply[:1] in {b"2", b"3"}

    async def _say(self, octets: bytes) -> None:
        if self._says is not None:
            octets, self._says = octets[: self._says], self._says - len(octets)
        self._writer.write(octets)
        await self._writer.drain()
        if self._says is not None and self._says < 0:
            raise Cut
        if not octets:
            await asyncio.Event().wait()

    async def _line(self) -> str:
        return (await self._heard_line()).decode().removesuffix("\r\n")

    async def _heard_line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            if self._hears is not None:
                if self._hears <= 0:
                    raise Cut
                self._hears -= 1
                octet = await self._reader.readexactly(1)
                line += octet
            else:
                line = await self._reader.readline()
                if not line:
                    raise Cut
        return line


def _path(argument: str) -> str:
    found = re.search(r"<(.*?)>", argument)
    return found[1] if found else ""
