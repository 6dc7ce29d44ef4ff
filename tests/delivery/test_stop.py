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
