"""The workers' event loop is uvloop: the same doors, on it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from pathlib import Path

import uvloop

from tests.delivery.office import body_of, office

MESSAGE = b"Subject: x\r\n\r\n" + b"line\r\n" * 100_000


def run(story: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story)


def test_starttls_and_a_large_message(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async def story() -> None:
        async with office("smtp", tls=tls) as place:
            line = await place.call()
            await line.say("STARTTLS")
            await line.tls(trust)
            await line.say("EHLO x")
            await line.say("MAIL FROM:<a@b.example>")
            await line.say("RCPT TO:<alice@example.org>")
            assert (await line.message(MESSAGE + b".\r\n"))[0].startswith("250")
            assert [body_of(m) for m in await place.mail("alice")] == [MESSAGE]

    run(story())


def test_sent_ahead_of_tls(tls: ssl.SSLContext) -> None:
    async def story() -> None:
        async with office("smtp", tls=tls) as place:
            line = await place.call()
            await line.send(b"STARTTLS\r\nNOOP\r\n")
            assert (await line.reply()).startswith("503 5.5.1")
            assert await line.ended()

    run(story())


def test_a_socket_file_half_close_and_stop(tmp_path: Path) -> None:
    async def story() -> None:
        async with office("lmtp", path=tmp_path / "lmtp") as place:
            line = await place.addressed("alice@example.org")
            await line.send(b"DATA\r\n" + MESSAGE + b".\r\n")
            line.writer.write_eof()
            assert (await line.reply()).startswith("354")
            assert (await line.reply()).startswith("250")
            assert await line.ended()
            rest = await place.call()
            stopping = asyncio.create_task(place.server.stop(grace=30))
            assert (await rest.reply()).startswith("421")
            await stopping
            assert (tmp_path / "lmtp").exists()

    run(story())


def test_grace_over(tmp_path: Path) -> None:
    async def story() -> None:
        async with office("lmtp") as place:
            place.store.gate.clear()
            line = await place.addressed("alice@example.org")
            await line.say("DATA")
            await line.send(b"\r\n.\r\n")
            await place.store.entered.wait()
            await place.server.stop(grace=0)
            assert await line.ended()
            place.store.gate.set()
            assert await place.mail("alice") == []

    run(story())
