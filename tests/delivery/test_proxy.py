"""SMTP and LMTP behind a load balancer, and addresses that are not admitted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from pillarbox.doorway import Proxies
from pillarbox.peers import Network, Networks, Visitors
from tests.delivery.office import Line, Office, office

LOCAL = Network.parse("127.0.0.1")
HEADER = b"PROXY TCP4 203.0.113.7 192.0.2.1 49152 25\r\n"


@contextlib.asynccontextmanager
async def behind(place: Office) -> AsyncIterator[Line]:
    """A connection to a door of *place* to which load balancers at 127.0.0.1 bring clients."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    address = sock.getsockname()
    await place.server.listen(place.door, sock, Proxies(Networks([LOCAL]), 60))
    line = Line(*await asyncio.open_connection(*address))
    try:
        yield line
    finally:
        line.close()


@pytest.mark.parametrize(("door", "hello"), [("smtp", "EHLO"), ("lmtp", "LHLO")])
async def test_the_client_is_whom_the_header_names(door: str, hello: str) -> None:
    async with office(door) as place, behind(place) as line:
        await line.send(HEADER)
        assert (await line.reply()).startswith("220 ")
        await line.say(f"{hello} client.example")
        await line.say("MAIL FROM:<a@b.example>")
        await line.say("RCPT TO:<alice@example.org>")
        (answer,) = await line.message(b"Subject: x\r\n\r\nx\r\n.\r\n")
        assert answer.startswith("250")
        (mail,) = await place.mail("alice")
        assert b"[203.0.113.7]" in mail
        assert b"127.0.0.1" not in mail


async def test_starttls_behind_a_header(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with office("smtp", tls=tls) as place, behind(place) as line:
        await line.send(HEADER + b"EHLO x\r\n")
        assert (await line.reply()).startswith("220 ")
        assert "STARTTLS" in await line.reply()
        assert (await line.say("STARTTLS")).startswith("220 ")
        await line.tls(trust)
        assert (await line.say("EHLO x")).startswith("250-")


async def test_the_limit_of_an_address_is_the_clients() -> None:
    async with (
        office("smtp", connections_per_address=1) as place,
        behind(place) as first,
        behind(place) as second,
    ):
        await first.send(HEADER)
        assert (await first.reply()).startswith("220 ")
        await second.send(HEADER)
        assert (await second.reply()).startswith("421 4.7.0 ")


async def test_a_stop_lets_go_of_who_has_not_said_who_it_is() -> None:
    async with office("smtp") as place, behind(place) as line:
        await line.send(HEADER[:5])
        await place.server.stop(0)
        assert await line.ended()


async def test_who_is_denied_hears_so_and_is_let_in_nowhere() -> None:
    async with office("smtp", visitors=Visitors(deny=[LOCAL])) as place:
        line = await place.call(greeted=False)
        assert (await line.reply()).startswith("554 5.7.1 ")
        assert await line.ended()


async def test_the_mail_server_in_front_is_no_visitor() -> None:
    async with office("lmtp", visitors=Visitors(deny=[LOCAL])) as place:
        await place.call()
