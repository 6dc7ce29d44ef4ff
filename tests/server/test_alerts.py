"""A client whose handshake fails is told why (RFC 8446, section 6.2), on both event loops."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from pillarbox.contracts.meter import NullMeter
from pillarbox.server.client_certificate import ClientCertificates
from pillarbox.server.limits import LocalTally, Policy
from pillarbox.server.listener import Pop3Server
from pillarbox.server.sni import ByName
from pillarbox.server.tls import server_context
from tests.server.house import AUTHORITY
from tests.server.proxied import LOOPS
from tests.world import Accounts, FaultyStore

PEOPLE = trustme.CA()
Loop = Callable[[], asyncio.AbstractEventLoop]
pytestmark = pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])


def server_tls(folder: Path, *, required: bool = False) -> ssl.SSLContext:
    pem, people = folder / "server.pem", folder / "people.pem"
    AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    PEOPLE.cert_pem.write_to_path(str(people))
    return server_context(
        pem, pem, "1.3", clients=ClientCertificates(people, required=True) if required else None
    )


def client_tls(**versions: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    context.check_hostname = False
    for name, version in versions.items():
        setattr(context, name, version)
    return context


def told(
    loop: Loop, server: ssl.SSLContext, client: ssl.SSLContext, name: str, door: str = "pop3s"
) -> str:
    """The reason of the error that a client gets which connects for *name*."""

    def call(address: tuple[str, int]) -> str:
        with socket.create_connection(address) as plain:
            if door == "pop3":
                plain.recv(512)
                plain.sendall(b"STLS\r\n")
                plain.recv(512)
            try:
                with client.wrap_socket(plain, server_hostname=name) as secured:
                    return repr(secured.recv(512))
            except ssl.SSLError as error:
                return str(error.reason)
            except ConnectionError as error:
                return repr(error)

    async def main() -> str:
        house = Pop3Server(
            store=FaultyStore(),
            authenticator=Accounts({}),
            policy=Policy(),
            tls=server,
            meter=NullMeter(),
            tally=LocalTally(100, 100),
        )
        listening = socket.create_server(("127.0.0.1", 0))
        address = listening.getsockname()
        await house.listen(door, listening)
        try:
            return await asyncio.to_thread(call, address)
        finally:
            await house.stop(0)

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(main())


@pytest.mark.parametrize("door", ["pop3s", "pop3"])
def test_no_certificate(tmp_path: Path, loop: Loop, door: str) -> None:
    found = told(loop, server_tls(tmp_path, required=True), client_tls(), "localhost", door)
    assert found == "TLSV13_ALERT_CERTIFICATE_REQUIRED"


def test_a_strangers_certificate(tmp_path: Path, loop: Loop) -> None:
    client = client_tls()
    trustme.CA().issue_cert("alice@example.org").configure_cert(client)
    found = told(loop, server_tls(tmp_path, required=True), client, "localhost")
    assert found == "TLSV1_ALERT_UNKNOWN_CA"


def test_a_name_that_nobody_has(tmp_path: Path, loop: Loop) -> None:
    """RFC 6066, section 3: unrecognized_name."""
    server = server_tls(tmp_path)
    server.sni_callback = ByName({}, default_names=["localhost"], strict=True)
    assert told(loop, server, client_tls(), "unknown.example") == "TLSV1_UNRECOGNIZED_NAME"
    assert told(loop, server, client_tls(), "localhost").startswith("b'+OK")


def test_a_version_that_is_too_old(tmp_path: Path, loop: Loop) -> None:
    old = client_tls(maximum_version=ssl.TLSVersion.TLSv1_2)
    assert told(loop, server_tls(tmp_path), old, "localhost") == "TLSV1_ALERT_PROTOCOL_VERSION"
