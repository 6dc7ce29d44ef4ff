"""A server on real sockets, with a certificate and both doors open."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import trustme

from pillarbox.contracts.auth import Authenticator
from pillarbox.contracts.meter import NullMeter
from pillarbox.server.client_certificate import ClientCertificates
from pillarbox.server.limits import LocalTally, Policy
from pillarbox.server.listener import Pop3Server
from pillarbox.server.tls import server_context
from tests.world import FaultyStore

AUTHORITY = trustme.CA()


class House:
    """A server with both doors open, and clients for them."""

    def __init__(
        self,
        store: FaultyStore,
        accounts: Authenticator,
        folder: Path,
        policy: Policy | None = None,
        *,
        clients: ClientCertificates | None = None,
    ) -> None:
        pem = folder / "server.pem"
        AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
        AUTHORITY.cert_pem.write_to_path(str(folder / "authority.pem"))
        self.authority = folder / "authority.pem"
        self.store = store
        self.server = Pop3Server(
            store=store,
            authenticator=accounts,
            policy=policy or Policy(hostname="localhost"),
            tls=server_context(pem, pem, clients=clients),
            meter=NullMeter(),
            tally=LocalTally(100, 100),
        )
        self.ports: dict[str, int] = {}
        self.context = ssl.create_default_context()
        AUTHORITY.configure_trust(self.context)

    async def open(self) -> None:
        for door in ("pop3", "pop3s"):
            listening = socket.create_server(("127.0.0.1", 0))
            self.ports[door] = listening.getsockname()[1]
            await self.server.listen(door, listening)

    async def connect(
        self, door: str, context: ssl.SSLContext | None = None, name: str = "localhost"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            "127.0.0.1", self.ports[door], ssl=context, server_hostname=name if context else None
        )


async def to_the_end(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server closes."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""
