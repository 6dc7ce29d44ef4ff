"""Clients that leave before or during the handshake (port checks, load balancers, scanners).

On real sockets and on both event loops, because what a loop calls when a handshake fails is
its own affair.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
import uvloop

from pillarbox.contracts.meter import NullMeter
from pillarbox.server import LocalTally, Policy, Pop3Server, server_context
from pillarbox.store.memory import MemoryStore
from tests.world import Accounts

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}


class Goodbyes(NullMeter):
    """Says when a session has ended."""

    def __init__(self) -> None:
        self.ended: asyncio.Queue[str] = asyncio.Queue()

    def session_ended(
        self, door: str, reason: str, *, retrieved: int, octets: int, deleted: int
    ) -> None:
        self.ended.put_nowait(reason)


def leave_at_once(address: tuple[str, int]) -> None:
    socket.create_connection(address).close()


def reset_at_once(address: tuple[str, int]) -> None:
    client = socket.create_connection(address)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()


def leave_within_the_hello(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01")


def talk_in_clear(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as client:
        client.sendall(b"CAPA\r\n")
        client.settimeout(None)
        while client.recv(100):
            pass


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    "leave", [leave_at_once, reset_at_once, leave_within_the_hello, talk_in_clear]
)
def test_a_client_that_never_speaks_tls_leaves_nothing_behind(
    loop: str, leave: Callable[[tuple[str, int]], None], tmp_path: Path
) -> None:
    async def scene() -> None:
        goodbyes = Goodbyes()
        server = Pop3Server(
            store=MemoryStore(),
            authenticator=Accounts({}),
            policy=Policy(),
            tls=_context(tmp_path),
            meter=goodbyes,
            tally=LocalTally(1, 1),
        )
        door = socket.create_server(("127.0.0.1", 0))
        address = door.getsockname()
        await server.listen("pop3s", door)
        for _ in range(3):  # each finds the only place under the limit free again
            await asyncio.to_thread(leave, address)
            assert await goodbyes.ended.get() in {"TLS failed", "connection lost"}
            assert server.connections == 0
        await server.stop(0)

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(scene())


def _context(folder: Path) -> ssl.SSLContext:
    certificate = trustme.CA().issue_cert("localhost")
    pem = folder / "pair.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(pem)
    return server_context(pem, pem)
