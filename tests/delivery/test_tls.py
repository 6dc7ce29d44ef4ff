"""STARTTLS: RFC 3207, and the injections that other servers let through."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from tests.delivery.office import body_of, office

MESSAGE = b"Subject: x\r\n\r\n" + b"line\r\n" * 100_000


@pytest.mark.parametrize("door", ["lmtp", "smtp"])
async def test_a_session_over_tls(door: str, tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with office(door, tls=tls) as place:
        hello = "LHLO client.example" if door == "lmtp" else "EHLO client.example"
        line = await place.call(greeted=False)
        await line.reply()
        assert "250 STARTTLS" in (await line.say(hello)).split("\n")
        assert (await line.say("STARTTLS")).startswith("220 2.0.0")
        await line.tls(trust)
        assert (await line.say("MAIL FROM:<a@b.example>")).startswith("503 5.5.1"), "forgotten"
        assert "STARTTLS" not in await line.say(hello)
        assert (await line.say("STARTTLS")).startswith("503 5.5.1")
        await line.say("MAIL FROM:<a@b.example>")
        await line.say("RCPT TO:<alice@example.org>")
        assert (await line.message(MESSAGE + b".\r\n"))[0].startswith("250")
        (message,) = await place.mail("alice")
        assert body_of(message) == MESSAGE
        protocol = {"lmtp": b"LMTPS", "smtp": b"ESMTPS"}[door]
        assert b" with " + protocol + b" id " in message
        assert b"(TLSv1." in message
        assert (await line.say("QUIT")).startswith("221")
        assert await line.ended()


async def test_the_transaction_is_forgotten(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with office("smtp", tls=tls) as place:
        line = await place.addressed("alice@example.org")
        await line.say("STARTTLS")
        await line.tls(trust)
        await line.say("EHLO client.example")
        assert (await line.say("DATA")).startswith("503 5.5.1")


@pytest.mark.parametrize("behind", [b"NOOP\r\n", b"EHLO evil\r\nMAIL FROM:<evil@x>\r\n", b"x"])
async def test_cve_2021_33515_what_is_sent_ahead_of_tls_ends_the_connection(
    tls: ssl.SSLContext, behind: bytes
) -> None:
    async with office("smtp", tls=tls) as place:
        line = await place.call()
        await line.send(b"STARTTLS\r\n" + behind)
        assert (await line.reply()).startswith("503 5.5.1")
        assert await line.ended()


async def test_a_failed_handshake_ends_the_connection(tls: ssl.SSLContext) -> None:
    async with office("smtp", tls=tls) as place:
        line = await place.call()
        await line.say("STARTTLS")
        await line.send(b"NOOP\r\nNOOP\r\n")
        assert await line.ended()
        assert (await (await place.call()).say("NOOP")).startswith("250"), "others go on"


async def test_no_tls_on_a_socket_in_the_file_system(tls: ssl.SSLContext, tmp_path: Path) -> None:
    async with office("lmtp", tls=tls, path=tmp_path / "s") as place:
        line = await place.call(greeted=False)
        await line.reply()
        assert "STARTTLS" not in await line.say("LHLO x")


async def test_stop_ends_sessions_over_tls(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with office("smtp", tls=tls) as place:
        line = await place.call()
        await line.say("STARTTLS")
        await line.tls(trust)
        await line.say("EHLO x")
        stopping = asyncio.create_task(place.server.stop(grace=30))
        assert (await line.reply()).startswith("421 4.3.2")
        assert await line.ended()
        line.close()
        await stopping


async def test_stop_does_not_wait_for_a_transaction_from_before_tls(
    tls: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    async with office("smtp", tls=tls) as place:
        line = await place.addressed("alice@example.org")
        await line.say("STARTTLS")
        await line.tls(trust)
        await line.say("NOOP")
        stopping = asyncio.create_task(place.server.stop(grace=30))
        assert (await line.reply()).startswith("421 4.3.2")
        line.close()
        await stopping


async def test_the_standard_library_s_client(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with office("smtp", tls=tls) as place:

        def deliver() -> None:
            with place.client() as client:
                client._host = "mail.example.org"  # type: ignore[attr-defined]
                client.starttls(context=trust)
                client.sendmail("a@b.example", ["alice@example.org"], b"Subject: x\r\n\r\n")

        await asyncio.to_thread(deliver)
        assert len(await place.mail("alice")) == 1
