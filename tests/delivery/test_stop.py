"""Stopping: what is under way is finished, what is not is left with its sender."""

from __future__ import annotations

import asyncio

import pytest

from tests.delivery.office import Office


async def test_sessions_at_rest_end_at_once(either: Office) -> None:
    line = await either.call()
    stopping = asyncio.create_task(either.server.stop(grace=30))
    assert (await line.reply()).startswith("421 4.3.2")
    assert await line.ended()
    await stopping
    with pytest.raises(ConnectionRefusedError):
        await either.call()


async def test_a_transaction_may_finish(either: Office) -> None:
    line = await either.addressed("alice@example.org")
    stopping = asyncio.create_task(either.server.stop(grace=30))
    assert (await line.message(b"\r\n.\r\n"))[0].startswith("250")
    assert (await line.reply()).startswith("421 4.3.2")
    await stopping
    assert len(await either.mail("alice")) == 1


async def test_a_message_that_is_being_stored_is_answered(either: Office) -> None:
    either.store.gate.clear()
    line = await either.addressed("alice@example.org")
    await line.say("DATA")
    await line.send(b"\r\n.\r\n")
    await either.store.entered.wait()
    stopping = asyncio.create_task(either.server.stop(grace=30))
    await asyncio.sleep(0)
    either.store.gate.set()
    assert (await line.reply()).startswith("250")
    assert (await line.reply()).startswith("421 4.3.2")
    await stopping


async def test_after_the_grace_the_rest_is_cut_off_and_nothing_was_promised(
    either: Office,
) -> None:
    either.store.gate.clear()
    line = await either.addressed("alice@example.org")
    await line.say("DATA")
    await line.send(b"\r\n.\r\n")
    await either.store.entered.wait()
    await either.server.stop(grace=0)
    assert await line.ended()
    either.store.gate.set()
    assert await either.mail("alice") == []


async def test_when_others_take_its_place_nobody_is_sent_away(either: Office) -> None:
    """Between two messages, before the first, in the middle of one: all go on."""
    newcomer, introduced = await either.call(greeted=False), await either.call()
    addressed = await either.addressed("alice@example.org")
    assert (await newcomer.reply()).startswith("220")
    stopping = asyncio.create_task(either.server.stop(grace=30, leave_newcomers=True))
    hello = "LHLO" if either.door == "lmtp" else "EHLO"
    assert (await newcomer.say(f"{hello} client.example")).startswith("250")
    for line in (addressed, newcomer, introduced, addressed):
        if line is not addressed or await either.mail("alice"):
            assert (await line.say("MAIL FROM:<sender@example.net>")).startswith("250")
            assert (await line.say("RCPT TO:<alice@example.org>")).startswith("250")
        assert (await line.message(b"\r\n.\r\n"))[0].startswith("250")
    assert len(await either.mail("alice")) == 4
    with pytest.raises(ConnectionRefusedError):
        await either.call()
    for line in (newcomer, introduced, addressed):
        assert not stopping.done()
        assert (await line.say("QUIT")).startswith("221")
    await stopping


async def test_those_who_were_left_end_as_ever_when_their_time_is_up(either: Office) -> None:
    idle, addressed = await either.call(), await either.addressed("alice@example.org")
    stopping = asyncio.create_task(either.server.stop(grace=0, leave_newcomers=True))
    assert (await idle.reply()).startswith("421 4.3.2")
    assert (await addressed.message(b"\r\n.\r\n"))[0].startswith("250")
    assert (await addressed.reply()).startswith("421 4.3.2")
    await stopping


async def test_a_stop_during_a_reload_sends_them_away(either: Office) -> None:
    line = await either.call()
    leaving = asyncio.create_task(either.server.stop(grace=30, leave_newcomers=True))
    await asyncio.sleep(0)
    leaving.cancel()
    stopping = asyncio.create_task(either.server.stop(grace=30))
    assert (await line.reply()).startswith("421 4.3.2")
    await stopping
