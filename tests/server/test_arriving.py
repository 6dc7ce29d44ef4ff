"""Clients that arrive in the moment in which a server stops: served, or never welcomed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

import pytest
import uvloop

from pillarbox.delivery.server import DeliveryServer
from pillarbox.server.listener import Pop3Server
from pillarbox.store.memory import MemoryStore
from tests.delivery.office import Phonebook, policy
from tests.transport import make_server
from tests.world import Accounts

TURNS = 12
"""Of a loop: more than a client takes from the door to its greeting."""

Server = Pop3Server | DeliveryServer


def pop3() -> Server:
    return make_server(MemoryStore(), Accounts({"alice": "secret"}))


def lmtp() -> Server:
    return DeliveryServer(store=MemoryStore(), directory=Phonebook(alice=0), policy=policy())


async def welcomed_by_a_server_that_has_stopped(make: Callable[[], Server], turns: int) -> bool:
    """Whether a client that came so many turns of the loop before is greeted when all is over."""
    server = make()
    listening = socket.create_server(("127.0.0.1", 0))
    address = listening.getsockname()
    await server.listen("pop3" if isinstance(server, Pop3Server) else "lmtp", listening)
    with socket.create_connection(address) as client:
        client.setblocking(False)
        for _ in range(turns):
            await asyncio.sleep(0)
        await server.stop(0.01, leave_newcomers=True)
        heard = b""
        with contextlib.suppress(OSError):  # nothing, or the door was shut in its face
            heard = client.recv(1000)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        with contextlib.suppress(OSError):
            return not heard and client.recv(1000) != b""
    return False


@pytest.mark.parametrize("make", [pop3, lmtp])
def test_nobody_is_welcomed_by_a_server_that_has_stopped(make: Callable[[], Server]) -> None:
    """At a reload, mail that came in that moment was put off: "the store has been closed".

    On uvloop, as in service: asyncio forgets, unclosed, a socket that it has accepted for a server
    that is closed meanwhile.
    """
    for turns in range(TURNS):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            assert not runner.run(welcomed_by_a_server_that_has_stopped(make, turns)), turns
