"""A delivery server on loopback, a client that says exactly what a test writes, and fakes."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pillarbox.contracts.auth import Account
from pillarbox.contracts.errors import AuthUnavailable, StoreError
from pillarbox.contracts.meter import NullMeter
from pillarbox.delivery import DeliveryPolicy, DeliveryServer
from pillarbox.delivery.link import Link
from pillarbox.model import Identity, Recipient, StoredForm
from pillarbox.store.memory import MemoryStore
from pillarbox.wire.canonical import original


class Phonebook:
    """A directory of example.org: names and quotas; ``user+device`` is the user."""

    def __init__(self, **quotas: int) -> None:
        self.quotas = quotas
        self.generations: dict[str, int] = {}
        self.down = False
        self.asked: list[str] = []

    async def find(self, address: str) -> Account | None:
        self.asked.append(address)
        if self.down:
            raise AuthUnavailable("the directory is down for a test")
        local, _, domain = address.partition("@")
        name = local.lower().partition("+")[0]
        if (
            domain.lower().removesuffix(".") not in {"example.org", "bücher.example"}
            or name not in self.quotas
        ):
            return None
        return Account(name, self.quotas[name], self.generations.get(name, 0))


class Ledger(NullMeter):
    """A meter that writes down what it is told."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[str, str]] = []
        self.refusals: list[tuple[str, str]] = []

    def delivered(self, door: str, outcome: str, octets: int) -> None:
        self.deliveries.append((door, outcome))

    def connection_refused(self, door: str, reason: str) -> None:
        self.refusals.append((door, reason))


class TroubledStore(MemoryStore):
    """A store that fails for the users in ``faults``, and can be made to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: dict[str, Exception] = {}
        self.breaks: Exception | None = None
        self.calls: list[tuple[str, ...]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()

    async def deliver(
        self, message: StoredForm, recipients: Sequence[Recipient]
    ) -> Sequence[StoreError | None]:
        self.calls.append(tuple(r.user for r in recipients))
        self.entered.set()
        await self.gate.wait()
        if self.breaks:
            raise self.breaks
        well = [r for r in recipients if r.user not in self.faults]
        stored = dict(zip(well, await super().deliver(message, well), strict=True))
        return [self.faults.get(r.user) or stored[r] for r in recipients]  # type: ignore[misc]


class Line:
    """A client that sends bytes and reads replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> str:
        """One reply, its lines joined by newlines; empty when the connection has ended."""
        lines = []
        while line := (await self.reader.readline()).decode():
            assert line.endswith("\r\n"), f"a reply line must end in CRLF: {line!r}"
            lines.append(line[:-2])
            if line[3:4] != "-":
                break
        return "\n".join(lines)

    async def say(self, command: str) -> str:
        await self.send(command.encode() + b"\r\n")
        return await self.reply()

    async def ask(self, dialogue: str) -> None:
        """Play ``C:`` and ``S:`` lines; a server line needs only the reply's beginning."""
        for row in dialogue.strip().splitlines():
            side, _, text = row.strip().partition(" ")
            if side == "C:":
                await self.send(text.encode() + b"\r\n")
            else:
                got = await self.reply()
                assert got.startswith(text), f"expected {text!r}, got {got!r}"

    async def message(self, data: bytes, answers: int = 1) -> list[str]:
        """DATA as it is (the caller ends it), and so many answers."""
        assert (await self.say("DATA")).startswith("354 ")
        await self.send(data)
        return [await self.reply() for _ in range(answers)]

    async def ended(self) -> bool:
        """Whether the server has closed its side."""
        try:
            return await self.reader.read() == b""
        except ConnectionResetError:
            return True

    async def tls(self, trust: ssl.SSLContext) -> None:
        await self.writer.start_tls(trust, server_hostname="mail.example.org")

    def close(self) -> None:
        self.writer.close()


@dataclass
class Office:
    """What a test holds in its hands."""

    door: str
    store: TroubledStore
    phonebook: Phonebook
    ledger: Ledger
    server: DeliveryServer
    port: int
    path: Path | None = None
    lines: list[Line] = field(default_factory=list)

    async def call(self, *, greeted: bool = True) -> Line:
        """A connection; the greeting, and the client's introduction, are over if *greeted*."""
        if self.path:
            streams = await asyncio.open_unix_connection(self.path)
        else:
            streams = await asyncio.open_connection("127.0.0.1", self.port)
        line = Line(*streams)
        self.lines.append(line)
        if greeted:
            assert (await line.reply()).startswith("220 ")
            hello = "LHLO" if self.door == "lmtp" else "EHLO"
            assert (await line.say(f"{hello} client.example")).startswith("250-")
        return line

    async def addressed(self, *recipients: str, sender: str = "sender@example.net") -> Line:
        """A connection with MAIL and RCPT accepted."""
        line = await self.call()
        assert (await line.say(f"MAIL FROM:<{sender}>")).startswith("250 ")
        for recipient in recipients:
            assert (await line.say(f"RCPT TO:<{recipient}>")).startswith("250 ")
        return line

    def lose_patience(self) -> None:
        """From now on who is silent for half a second is idle: not before, as all that a test has to say first takes time."""
        desk = self.server._desk
        desk.policy = replace(desk.policy, idle_timeout=0.5)
        for link in desk.present.all():
            assert isinstance(link, Link)
            link._timeout_duration = desk.policy.idle_timeout
            timer = link._timeout_handle
            if timer is not None and not timer.cancelled():
                link._reset_timeout()

    async def mail(self, user: str) -> list[bytes]:
        """The messages in a maildrop, as a client sees them."""
        maildrop = await self.store.open(Identity(user))
        found = []
        for number in range(1, maildrop.count + 1):
            content = (await maildrop.body(number)).content
            data = content if isinstance(content, bytes) else b"".join([p async for p in content])
            found.append(original(data))
        await maildrop.release()
        return found

    async def international(self, user: str) -> list[bool]:
        maildrop = await self.store.open(Identity(user))
        flags = [(await maildrop.body(n)).international for n in range(1, maildrop.count + 1)]
        await maildrop.release()
        return flags

    def client(self) -> smtplib.SMTP:
        """The standard library's client; call it in a thread."""
        kind = smtplib.LMTP if self.door == "lmtp" else smtplib.SMTP
        return kind("127.0.0.1", self.port, timeout=30)


def body_of(message: bytes) -> bytes:
    """What came in: the message less the Return-Path and Received put in front."""
    lines = message.split(b"\r\n")
    assert lines[0].startswith(b"Return-Path: <")
    assert lines[1].startswith(b"Received: from ")
    end = next(n for n in range(2, len(lines)) if not lines[n].startswith(b"\t"))
    return b"\r\n".join(lines[end:])


def policy(**changes: Any) -> DeliveryPolicy:
    rules: dict[str, Any] = {"hostname": "mail.example.org", "domains": ("example.org",)}
    return DeliveryPolicy(**{**rules, **changes})


@contextlib.asynccontextmanager
async def office(
    door: str, tls: ssl.SSLContext | None = None, path: Path | None = None, **changes: Any
) -> AsyncIterator[Office]:
    store, phonebook, ledger = TroubledStore(), Phonebook(alice=0, bob=0, carol=0), Ledger()
    server = DeliveryServer(
        store=store, directory=phonebook, policy=policy(**changes), tls=tls, meter=ledger
    )
    sock = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    sock.bind(str(path) if path else ("127.0.0.1", 0))
    port = 0 if path else sock.getsockname()[1]
    await server.listen(door, sock)
    place = Office(door, store, phonebook, ledger, server, port, path)
    try:
        yield place
    finally:
        store.gate.set()
        for line in place.lines:
            line.close()
        await server.stop(grace=0)


Opener = Callable[..., contextlib.AbstractAsyncContextManager[Office]]
