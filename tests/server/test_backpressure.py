"""A client that stops reading costs a bounded number of bytes, and nobody else waits."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.model import Identity
from pillarbox.sasl.claims import Claim
from pillarbox.server.limits import MAX_PIPELINED
from pillarbox.server.listener import Pop3Server
from pillarbox.server.transaction import PAGE
from tests.transport import Client, make_server, settle
from tests.world import Accounts, FaultyStore

HALF_A_MIB = 512 * 1024  # what server/limits.py promises for a stalled client
LARGE = b"Subject: large\r\n\r\n" + (b"y" * 70 + b"\r\n") * 60_000  # 4.3 MB


async def test_a_client_that_does_not_read_costs_less_than_half_a_mib(
    server: Pop3Server, store: FaultyStore
) -> None:
    await store.put("mrose", LARGE)
    client = await Client(server).sign_in()
    client.transport.client_reads = False
    await client.say(b"RETR 1\r\n" * 10)
    assert 0 < client.transport.most_waiting < HALF_A_MIB


async def test_a_long_listing_waits_for_a_client_that_does_not_read(
    server: Pop3Server, store: FaultyStore
) -> None:
    count = 10 * PAGE
    await store.put("mrose", *[b"Subject: x\r\n\r\n"] * count)
    client = await Client(server).sign_in()
    client.transport.client_reads = False
    client.transport.client_sends(b"UIDL\r\n")
    await settle()
    assert 0 < client.transport.most_waiting < HALF_A_MIB
    client.transport.client_reads_again()
    said = client.heard()
    while not said.endswith(b"\r\n.\r\n"):
        await settle()
        said += client.heard()
    numbers = [int(line.split()[0]) for line in said.split(b"\r\n")[1:-2]]
    assert numbers == list(range(1, count + 1))
    assert len(said) > HALF_A_MIB


async def test_when_it_reads_again_everything_comes_in_order(
    server: Pop3Server, store: FaultyStore
) -> None:
    await store.put("mrose", LARGE)
    client = await Client(server).sign_in()
    client.transport.client_reads = False
    await client.say(b"RETR 1\r\nNOOP\r\nRETR 1\r\n")
    client.transport.client_reads_again()
    said = client.heard()
    while not said.endswith(b"\r\n.\r\n") or said.count(b"\r\n.\r\n") < 2:
        await settle()
        said += client.heard()
    first, _, rest = said.partition(b"\r\n.\r\n")
    assert first.partition(b"\r\n")[2] + b"\r\n" == LARGE
    assert rest.startswith(b"+OK")
    assert rest.partition(b"\r\n")[2].partition(b"\r\n")[2][:-3] == LARGE


async def test_nobody_else_waits(server: Pop3Server, store: FaultyStore) -> None:
    await store.put("mrose", LARGE)
    await store.put("johndoe", b"Subject: small\r\n\r\nhere\r\n")
    stalled = await Client(server).sign_in()
    stalled.transport.client_reads = False
    await stalled.say(b"RETR 1\r\n")
    other = await Client(server).sign_in("johndoe", "secret")
    assert b"here" in await other.say(b"RETR 1\r\n")
    assert (await other.say(b"QUIT\r\n")).startswith(b"+OK")


async def test_commands_without_end_from_a_client_that_does_not_read(
    server: Pop3Server, store: FaultyStore
) -> None:
    await store.put("mrose", LARGE)
    client = await Client(server).sign_in()
    client.transport.client_reads = False
    sent = 0
    while client.transport.reading:
        client.transport.client_sends(b"RETR 1\r\n" * 512)
        sent += 512
        await settle()
        assert client.connection.machine.buffered <= MAX_PIPELINED + 8 * 512
    assert client.transport.most_waiting < HALF_A_MIB


async def test_reading_goes_on_when_the_commands_have_been_carried_out(
    server: Pop3Server, store: FaultyStore
) -> None:
    await store.put("mrose", b"Subject: x\r\n\r\n" + b"z" * 3000)
    client = await Client(server).sign_in()
    client.transport.client_reads = False
    sent = 0
    while client.transport.reading:
        client.transport.client_sends(b"RETR 1\r\n" * 512)
        sent += 512
        await settle()
    client.transport.client_reads_again()
    answered, said = 0, b""
    while answered < sent:
        await settle()
        said = said[-4:] + client.heard()  # an end may come in two pieces
        answered += said.count(b"\r\n.\r\n")
    assert answered == sent
    assert client.transport.reading
    assert (await client.say(b"NOOP\r\n")).startswith(b"+OK")


async def test_a_batch_of_costly_commands_lets_others_in_between(
    server: Pop3Server, store: FaultyStore
) -> None:
    """Hundreds of listings in one write must not hold the event loop until the last."""
    await store.put("mrose", *[b"Subject: x\r\n\r\n"] * 1000)
    client = await Client(server).sign_in()
    marked = await client.say(b"".join(b"DELE %d\r\n" % number for number in range(1, 1001)))
    while marked.count(b"+OK") < 1000:  # on a busy machine this batch gives way, too
        await settle()
        marked += client.heard()
    client.transport.client_sends(b"LIST\r\n" * 400)
    said = client.heard()
    assert said.count(b".\r\n") < 400, "all were answered in one turn of the loop"
    while said.count(b".\r\n") < 400:
        await settle()
        said += client.heard()
    assert said.count(b"+OK") == 400


class SlowAccounts(Accounts):
    """Checks a password only when told to."""

    def __init__(self) -> None:
        super().__init__({"mrose": "tanstaaf"})
        self.go = asyncio.Event()

    async def check(self, claim: Claim, peer: str) -> Identity:
        await self.go.wait()
        return await super().check(claim, peer)


async def test_commands_that_come_during_a_slow_one_are_held_back(store: FaultyStore) -> None:
    accounts = SlowAccounts()
    client = await Client(make_server(store, accounts)).connect()
    await client.say(b"USER mrose\r\nPASS tanstaaf\r\n")
    sent = 0
    while client.transport.reading and sent < 2_000_000:
        client.transport.client_sends(b"NOOP\r\n" * 1000)
        sent += 1000
        assert client.connection.machine.buffered <= MAX_PIPELINED + 6000
    assert not client.transport.reading
    accounts.go.set()
    said = b""
    while said.count(b"+OK") < sent + 1:
        await settle()
        said += client.heard()
    assert b"-ERR" not in said


@pytest.mark.parametrize("reads", [True, False])
async def test_a_cut_in_the_middle_of_a_large_message_frees_the_maildrop(
    server: Pop3Server, store: FaultyStore, reads: bool
) -> None:
    await store.put("mrose", LARGE)
    client = await Client(server).sign_in()
    client.transport.client_reads = reads
    client.transport.client_sends(b"RETR 1\r\n")
    client.transport.client_cuts()
    await settle()
    assert not await store.locked("mrose")
    assert server.connections == 0
