"""A connection that is cut, or a server that falls silent, after every single octet.

Whatever is cut off never looks whole, what is not confirmed is never reported as done, and
nobody waits for longer than the time-out.
"""

from __future__ import annotations

import asyncio
import re

import pytest

import pillarbox
from pillarbox.client.errors import ClientError, TimedOut, Unreachable
from tests.client.scripted import MAILS, PASSWORD, Peer, Scripted, answers


class Progress:
    """What a session got to know before it ended."""

    def __init__(self) -> None:
        self.mails: dict[int, bytes] = {}
        self.deleted: list[int] = []
        self.trusted = False
        self.quit = False


async def session(url: str, progress: Progress, *, pipelining: bool, patience: float = 60) -> None:
    async with pillarbox.connect(
        url, password=PASSWORD, insecure_cleartext=True, timeout=patience, pipelining=pipelining
    ) as box:
        scans, unique_ids = await box.listings()
        assert scans.entries == [(1, 52), (2, 30), (3, 0)]
        assert unique_ids is not None
        assert unique_ids.entries == [(1, "a"), (2, "b"), (3, "c")]
        async for message in box.retrieve_many([1, 2, 3]):
            progress.mails[message.number] = await message.read()
        await box.in_step()
        progress.trusted = True
        assert await box.delete_many([1, 2]) == [None, None]
        progress.deleted += [1, 2]
        await box.delete(3)
        progress.deleted.append(3)
    progress.quit = True


async def whole_session(*, pipelining: bool) -> int:
    """How many octets a server says in it."""
    progress = Progress()
    async with Scripted(answers()) as server:
        await session(server.url(), progress, pipelining=pipelining)
    assert progress.mails == MAILS
    assert progress.quit
    assert server.connections == 1
    return server.said


@pytest.mark.parametrize("pipelining", [True, False])
async def test_cut_after_every_octet(pipelining: bool) -> None:
    octets = await whole_session(pipelining=pipelining)
    for cut in range(octets):
        progress = Progress()
        async with Scripted(answers(), cut=cut) as server:
            with pytest.raises(Unreachable):
                await session(server.url(), progress, pipelining=pipelining)
        assert all(MAILS[number] == mail for number, mail in progress.mails.items()), cut
        assert not progress.quit
        assert server.connections <= 2  # once more without CAPA
    assert progress.deleted == [1, 2, 3]  # all but the last octet: nearly, and yet not


async def test_a_server_that_falls_silent_after_any_octet_is_given_up() -> None:
    octets = await whole_session(pipelining=True)

    async def hang(cut: int) -> None:
        progress = Progress()
        async with Scripted(answers(), cut=cut, hangs=True) as server:
            with pytest.raises(TimedOut) as caught:
                await session(server.url(), progress, pipelining=True, patience=1)
            assert re.search("no (answer|connection to .*) within 1 seconds", str(caught.value))
        assert all(MAILS[number] == mail for number, mail in progress.mails.items())
        assert not progress.quit

    await asyncio.gather(*(hang(cut) for cut in range(0, octets, 7)))


async def test_a_server_that_drips_its_line_is_given_up_too() -> None:
    dripped = 0

    async def drip(peer: Peer) -> None:
        nonlocal dripped
        while True:
            await peer.say(b"x" if dripped else b"+OK ")
            dripped += 1
            await asyncio.sleep(0.02)  # the pace is what is under test

    async with Scripted(answers(NOOP=drip)) as server:
        box = await pillarbox.connect(server.url(), password=PASSWORD, insecure_cleartext=True)
        box._conversation.connection.timeout = 0.3
        with pytest.raises(TimedOut):
            await box.noop()
        await box.close()
    assert dripped > 1


async def test_after_its_end_a_mailbox_says_the_same_to_every_call() -> None:
    async with Scripted(answers(NOOP=b"nonsense\r\n")) as server:
        box = await pillarbox.connect(server.url(), password=PASSWORD, insecure_cleartext=True)
        with pytest.raises(ClientError) as first:
            await box.noop()
        for call in (box.stat, box.list, box.uidl, box.reset, box.quit, box.retrieve(1).read):
            with pytest.raises(ClientError) as again:
                await call()
            assert again.value is first.value
        await box.close()
