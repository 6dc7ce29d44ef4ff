"""Guesses are offered only where somebody answers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from pillarbox.app.reading import answering
from pillarbox.app.reading.answering import collects, submits, without_silent_guesses
from pillarbox.app.reading.discovering import find_servers
from pillarbox.client.discovery import Server, Servers, Source
from pillarbox.client.endpoint import Security
from tests.app.reading.test_discovering import TLS, pop, smtp
from tests.fetch.hostile.server import HOST, HostileServer
from tests.postoffice import authority


def server(port: int, security: Security) -> Server:
    return Server(HOST, port, security, "a@b.example", Source.GUESS)


def answered(*hosts: str) -> Callable[[Server], Awaitable[bool]]:
    async def answers(server: Server) -> bool:
        assert server.source is Source.GUESS
        return server.host in hosts

    return answers


async def test_a_wizard_without_a_network_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It said "Found", and offered six names that nobody had been asked about."""
    guesses = [pop(f"{name}.b.example", Source.GUESS) for name in ("pop", "pop3", "mail")]

    async def guessed(_: str) -> Servers:
        return Servers(guesses, [smtp("smtp.b.example", Source.GUESS)])

    monkeypatch.setattr("pillarbox.app.reading.discovering.discover_both", guessed)

    def check(*hosts: str) -> Callable[[Servers], Awaitable[Servers]]:
        there = answered(*hosts)
        return partial(without_silent_guesses, collecting=there, submitting=there)

    assert await find_servers("a@b.example", check=check()) == []
    there = check("mail.b.example", "smtp.b.example")
    (found,) = await find_servers("a@b.example", check=there)
    assert found.submit is not None
    assert (found.collect.host, found.submit.host) == ("mail.b.example", "smtp.b.example")
    assert "one answers there" in found.source


async def test_what_is_published_needs_no_guess() -> None:
    servers = Servers(
        [pop("p", Source.AUTOCONFIG), pop("g", Source.GUESS)],
        [smtp("far", Source.SRV, confirm=True), smtp("g1", Source.GUESS), smtp("g2", Source.GUESS)],
    )
    found = await without_silent_guesses(servers, answered(), answered("g2"))
    assert [each.endpoint.host for each in found.collect] == ["p"]
    assert [each.host for each in found.submit] == ["far", "g2"]


async def test_a_mailbox_answers_by_its_certificate() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(HOST).configure_cert(context)
    for security in (TLS, Security.STLS):
        pop3 = HostileServer(tls=context)
        pop3.implicit = security is TLS
        pop3.capabilities.append("STLS")
        async with pop3:
            assert await collects(server(pop3.port, security))
            assert not [line for line in pop3.commands if line.split()[0] not in {"CAPA", "STLS"}]
        assert not await collects(server(pop3.port, security))
    async with HostileServer() as clear:
        assert not await collects(server(clear.port, Security.STLS))


@pytest.mark.parametrize(
    ("greeting", "there"), [(b"220 hello\r\n", True), (b"+OK\r\n", False), (b"2", False)]
)
async def test_a_submission_server_greets(greeting: bytes, *, there: bool) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    async with await asyncio.start_server(greet, HOST, 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        assert await submits(server(port, Security.STLS)) is there
    assert not await submits(server(port, Security.STLS))
    assert not await submits(server(port, TLS))


async def test_a_server_that_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answering, "PATIENCE", 0.05)
    came, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        writer.close()
        gone.set()

    async with await asyncio.start_server(silent, HOST, 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        for asked, security in ((collects, TLS), (submits, Security.STLS)):
            came.clear()
            gone.clear()
            while not came.is_set():  # so short a time may be over before there is a connection
                assert not await asked(server(port, security))
            await gone.wait()
