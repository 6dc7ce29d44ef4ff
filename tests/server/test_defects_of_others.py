"""What other servers got wrong and a dialogue alone cannot show.

The others are in ``tests/transcripts/defects_of_others.txt``; docs/specifications.md lists all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from pillarbox.contracts.store import Body
from pillarbox.model import Identity
from pillarbox.server.listener import Pop3Server
from pillarbox.wire.multiline import TERMINATOR, stuff
from pillarbox.wire.states import State
from tests.server.conftest import Logs
from tests.transport import Client, Clock, make_server, settle
from tests.world import Accounts, FaultyMaildrop, FaultyStore


class GatedMaildrop(FaultyMaildrop):
    """Commits and opens bodies only when told to."""

    gate: asyncio.Event

    async def commit(self, numbers: Collection[int]) -> None:
        await self.gate.wait()
        await super().commit(numbers)

    async def body(self, number: int) -> Body:
        if number == 1:
            await self.gate.wait()
        return await super().body(number)


class GatedStore(FaultyStore):
    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> GatedMaildrop:
        maildrop = await super().open(identity, minimum_interval=minimum_interval)
        gated = GatedMaildrop(maildrop, self.faults)
        gated.gate = self.gate
        return gated


async def test_wildduck_quit_says_ok_only_when_the_deletion_is_known(accounts: Accounts) -> None:
    store = GatedStore()
    await store.put("mrose", b"one", b"two")
    client = await Client(make_server(store, accounts)).sign_in()
    await client.say(b"DELE 1\r\n")
    assert await client.say(b"QUIT\r\n") == b""
    assert (await store.memory.status("mrose")).count == 2
    store.gate.set()
    await settle()
    assert client.heard().startswith(b"+OK")
    assert (await store.memory.status("mrose")).count == 1


async def test_wildduck_a_slow_body_does_not_let_the_next_reply_overtake(
    accounts: Accounts,
) -> None:
    store = GatedStore()
    await store.put("mrose", b"Subject: slow\r\n\r\n1\r\n", b"Subject: quick\r\n\r\n2\r\n")
    client = await Client(make_server(store, accounts)).sign_in()
    assert await client.say(b"RETR 1\r\nRETR 2\r\nNOOP\r\n") == b""
    store.gate.set()
    await settle()
    said = client.heard()
    assert 0 < said.index(b"1\r\n.\r\n+OK") < said.index(b"2\r\n.\r\n+OK")


async def test_wildduck_what_is_queued_behind_stls_does_not_run_after_the_handshake(
    server: Pop3Server, store: FaultyStore
) -> None:
    await store.put("mrose", b"one")
    client = await Client(server).connect()
    client.heard()
    said = await client.say(b"STLS\r\nUSER mrose\r\nPASS tanstaaf\r\nDELE 1\r\nQUIT\r\n")
    assert client.transport.closed
    assert b"+OK" not in said
    assert (await store.memory.status("mrose")).count == 1


@pytest.mark.parametrize("half", [b"US", b"USER mro", b"USER mrose\r", b"AUTH PLAIN A"])
async def test_stalwart_a_half_fed_parser_does_not_survive_stls(
    server: Pop3Server, half: bytes
) -> None:
    """Neither in one read with STLS (closed), nor between its reply and the handshake."""
    together = await Client(server).connect()
    await together.say(b"STLS\r\n" + half)
    assert together.transport.closed
    behind = await Client(server).connect()
    assert (await behind.say(b"STLS\r\n")).endswith(b"\r\n")
    await behind.say(half)
    assert behind.transport.closed


async def test_stalwart_the_parser_after_stls_is_fresh(server: Pop3Server) -> None:
    client = await Client(server).connect()
    await client.say(b"USER mrose\r\n")
    await client.say(b"STLS\r\n")
    await client.door.shake_hands()
    assert client.connection.machine.state is State.AUTHORIZATION
    assert client.connection.machine.buffered == 0
    assert (await client.say(b"PASS tanstaaf\r\n")).startswith(b"-ERR")


async def test_stalwart_shutdown_says_nothing_least_of_all_bye(
    server: Pop3Server, store: FaultyStore
) -> None:
    signed_in = await Client(server).sign_in()
    greeted = await Client(server).connect()
    greeted.heard()
    await server.stop(0)
    assert signed_in.transport.closed
    assert greeted.transport.closed
    assert b"BYE" not in signed_in.heard() + greeted.heard()


@pytest.mark.parametrize("signs_in", [True, False])
async def test_dovecot_stalwart_the_idle_timeout_is_silent(
    server: Pop3Server, signs_in: bool, logs: Logs
) -> None:
    """RFC 1939, section 3: closed "without ... sending any response to the client"."""
    clock = Clock()
    client = Client(server, clock=clock)
    await (client.sign_in() if signs_in else client.connect())
    client.heard()
    clock.now += 3600
    server.expire(clock.now)
    await settle()
    assert client.transport.closed
    assert client.heard() == b""


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 5, 7, 11, 64])
def test_twisted_stuffing_at_the_border_of_a_chunk(chunk: int) -> None:
    text = b".\r\n..\r\na\r\n.b\r\n\r\n.\r\n" * 5
    stuffed = b""
    position = 0
    while position < len(text):
        end = position + chunk
        end += text[end - 1 : end + 1] == b"\r\n"  # the caller does not cut a CRLF in two
        at_start = position == 0 or text[position - 1 : position] == b"\n"
        stuffed += stuff(text[position:end], at_line_start=at_start)
        position = end
    assert stuffed == stuff(text)
    assert TERMINATOR not in stuffed.splitlines(keepends=True)


@pytest.mark.parametrize("ending", [b"\r", b"\n", b"", b"\r\r", b"\n\r", b".", b"\r\n."])
async def test_james_a_message_with_an_odd_end_does_not_hang(
    server: Pop3Server, store: FaultyStore, ending: bytes
) -> None:
    await store.put("mrose", b"Subject: odd\r\n\r\nend" + ending)
    client = await Client(server).sign_in()
    said = await client.say(b"RETR 1\r\nNOOP\r\n")
    body, _, after = said.partition(b"\r\n.\r\n")
    assert body.startswith(b"+OK")
    assert after.startswith(b"+OK")
    assert after.count(b"\r\n") == 1
