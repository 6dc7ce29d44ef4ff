"""A client that hangs up while its sign-in waits its turn: nothing goes on waiting for it."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from pillarbox.model import Identity
from pillarbox.sasl.claims import Claim, ScramKeys
from pillarbox.server import connection
from pillarbox.server.door import Door
from pillarbox.server.limits import LocalTally
from pillarbox.store.memory import MemoryStore
from tests.server.house import House, to_the_end
from tests.transport import Client, make_server, nobody_left, settle


class Turnstile:
    """An authenticator that lets nobody through until told."""

    scram_hashes = frozenset[str]()

    def __init__(self) -> None:
        self.waiting = 0
        self.open = asyncio.Event()

    async def check(self, claim: Claim, peer: str) -> Identity:
        self.waiting += 1
        try:
            await self.open.wait()
        finally:
            self.waiting -= 1
        return Identity(claim.name)

    async def scram_keys(self, name: str, hash_name: str, peer: str) -> ScramKeys:
        raise NotImplementedError


async def test_a_sign_in_is_given_up_with_its_connection() -> None:
    turnstile = Turnstile()
    server = make_server(MemoryStore(), turnstile, tally=LocalTally(1, 1))
    client = await Client(server).connect()
    await client.say(b"USER mrose\r\nPASS tanstaaf\r\n")
    assert turnstile.waiting == 1

    client.transport.client_cuts()
    await settle()

    assert turnstile.waiting == 0
    assert server.connections == 0
    again = await Client(server).connect()  # its place under the limit is free again
    assert again.heard().startswith(b"+OK")


async def test_a_client_that_hangs_up_in_the_moment_in_which_it_is_heard_leaves_nothing() -> None:
    """The loop hears of the end before anything that waits has had its turn."""
    turnstile = Turnstile()
    server = make_server(MemoryStore(), turnstile, tally=LocalTally(1, 1))
    client = await Client(server).connect()
    client.transport.client_sends(b"USER mrose\r\nPASS tanstaaf\r\n")
    client.transport.get_protocol().connection_lost(None)
    await settle()
    assert turnstile.waiting == 0
    assert server.connections == 0


async def test_a_client_that_reads_nothing_and_breaks_the_connection_leaves_nothing(
    house: House,
) -> None:
    """On a real socket: writing fails while its commands are carried out. Enough of those, and
    nobody else would be let in.
    """

    def leave() -> None:
        with socket.create_connection(("127.0.0.1", house.ports["pop3"])) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.recv(100)
            client.sendall(b"CAPA\r\n" * 9000)

    for _ in range(10):
        await asyncio.to_thread(leave)
    await nobody_left(house.server)


async def test_nobody_waits_for_the_handshake_of_a_client_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It did not read, and broke the connection before it had heard that TLS may begin."""
    monkeypatch.setattr(connection, "MAX_JOINED", 1)
    server = make_server(MemoryStore(), Turnstile())
    client = await Client(server).connect()
    client.transport.set_write_buffer_limits(high=0)
    client.transport.client_reads = False
    await client.say(b"STLS\r\n")
    assert client.transport.waiting
    client.transport.client_cuts()
    await settle()
    assert server.connections == 0


async def test_a_fault_of_ours_in_a_handshake_leaves_no_session_behind(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something that nobody thought of in a certificate, say."""

    async def stumble(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(Door, "start_tls", stumble)
    reader, writer = await house.connect("pop3s")
    assert await to_the_end(reader) == b""
    await nobody_left(house.server)
    writer.close()


async def test_no_lock_is_left_by_a_client_that_hung_up_during_its_sign_in() -> None:
    turnstile = Turnstile()
    server = make_server(MemoryStore(), turnstile)
    client = await Client(server).connect()
    await client.say(b"USER mrose\r\nPASS tanstaaf\r\n")
    client.transport.client_cuts()
    await settle()
    turnstile.open.set()
    await settle()

    next_one = await Client(server).sign_in()
    assert b"+OK 0 0" in await next_one.say(b"STAT\r\n")
