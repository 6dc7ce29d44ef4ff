"""On real sockets, with real TLS: what a memory transport cannot show."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path

import pytest

from pillarbox.contracts.meter import NullMeter
from pillarbox.server.limits import MAX_TURN, LocalTally, Policy
from pillarbox.server.listener import Pop3Server
from pillarbox.server.tls import CertificateProblem, server_context
from tests.server.conftest import Logs
from tests.server.house import AUTHORITY, House, to_the_end
from tests.transport import nobody_left
from tests.world import Accounts, FaultyStore

MAIL = b"Subject: x\r\n\r\nhere\r\n"


async def test_pop3s_and_what_it_negotiates(house: House) -> None:
    """RFC 8314, section 3.2: TLS 1.2 or newer; RFC 7301: ALPN ``pop3``."""
    house.context.set_alpn_protocols(["pop3"])
    await house.store.put("mrose", MAIL)
    reader, writer = await house.connect("pop3s", house.context)
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    assert tls.version() in {"TLSv1.2", "TLSv1.3"}
    assert tls.selected_alpn_protocol() == "pop3"
    writer.write(b"USER mrose\r\nPASS tanstaaf\r\nRETR 1\r\nQUIT\r\n")
    assert b"here\r\n.\r\n+OK" in await to_the_end(reader)
    writer.close()


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
async def test_rfc_8996_old_tls_is_refused(house: House, version: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await house.connect("pop3s", context)


async def test_a_tls_hello_on_the_cleartext_port_ends_at_once(house: House) -> None:
    """The client learns it from its own TLS library, not from a time-out."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await house.connect("pop3", house.context)
    await nobody_left(house.server)


async def test_cleartext_on_the_tls_port_ends_and_leaves_nothing(house: House, logs: Logs) -> None:
    reader, writer = await house.connect("pop3s")
    writer.write(b"USER mrose\r\n")
    said = await to_the_end(reader)
    assert not said.startswith(b"+OK")
    writer.close()
    await nobody_left(house.server)
    (line,) = [line for line in logs if line["event"] == "session ended"]
    assert line["reason"] == "TLS failed"


async def test_stls_and_a_whole_session_in_one_write_behind_the_handshake(house: House) -> None:
    await house.store.put("mrose", MAIL)
    reader, writer = await house.connect("pop3")
    await reader.readline()
    writer.write(b"STLS\r\n")
    await reader.readline()
    await writer.start_tls(house.context, server_hostname="localhost")
    writer.write(b"USER mrose\r\nPASS tanstaaf\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n")
    assert b"here\r\n.\r\n+OK" in await to_the_end(reader)
    writer.close()
    assert (await house.store.memory.status("mrose")).count == 0


@pytest.mark.parametrize("fin", [False, True], ids=["", "and FIN"])
@pytest.mark.parametrize("most", [MAX_TURN, -1.0], ids=["in one turn", "each command in a turn"])
async def test_a_whole_session_in_one_segment_with_the_end_of_the_handshake(
    house: House, monkeypatch: pytest.MonkeyPatch, most: float, *, fin: bool
) -> None:
    """``printf '…' | openssl s_client``: all commands and ``close_notify`` before any greeting. A server that had to wait
    dropped the answers.
    """
    monkeypatch.setattr("pillarbox.server.connection.MAX_TURN", most)
    await house.store.put("mrose", MAIL)
    reader, writer = await house.connect("pop3s")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = house.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    while True:
        if data := outgoing.read():
            writer.write(data)
        incoming.write(await reader.read(64 * 1024))
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            continue
        break
    tls.write(b"USER mrose\r\nPASS tanstaaf\r\nRETR 1\r\nQUIT\r\n")
    with pytest.raises(ssl.SSLWantReadError):
        tls.unwrap()
    writer.write(outgoing.read())
    if fin:
        writer.write_eof()
    incoming.write(await to_the_end(reader))
    said = b""
    while incoming.pending:
        with contextlib.suppress(ssl.SSLZeroReturnError):  # the server's close_notify
            said += tls.read(64 * 1024)
    assert said.startswith(b"+OK")
    assert b"here\r\n.\r\n+OK" in said
    writer.close()


@pytest.mark.parametrize("hello", [b"", b"\x16\x03\x01\x02\x00\x01\x00"])
async def test_a_handshake_that_never_ends(
    store: FaultyStore, accounts: Accounts, tmp_path: Path, hello: bytes
) -> None:
    """A half-open TLS connection is closed after the login time-out."""
    house = House(store, accounts, tmp_path, Policy(login_timeout=0.5))
    await house.open()
    reader, writer = await house.connect("pop3s")
    writer.write(hello)
    assert await to_the_end(reader) == b""
    writer.close()
    await nobody_left(house.server)
    await house.server.stop(0)


async def test_a_large_message_over_tls_to_a_slow_reader(house: House) -> None:
    large = b"Subject: large\r\n\r\n" + (b"." + b"y" * 70 + b"\r\n") * 100_000
    await house.store.put("mrose", large)
    reader, writer = await house.connect("pop3s", house.context)
    writer.write(b"USER mrose\r\nPASS tanstaaf\r\nRETR 1\r\nQUIT\r\n")
    for _ in range(3):
        await reader.readline()
    assert (await reader.readline()).startswith(b"+OK")
    got = bytearray()
    while b"\r\n.\r\n" not in got[-1010:]:
        got += await reader.read(1000)
    body, _, _ = bytes(got).partition(b"\r\n.\r\n")
    assert body.replace(b"\r\n..", b"\r\n.") + b"\r\n" == large
    writer.close()


async def test_pop3s_needs_a_certificate(store: FaultyStore, accounts: Accounts) -> None:
    server = Pop3Server(
        store=store,
        authenticator=accounts,
        policy=Policy(),
        tls=None,
        meter=NullMeter(),
        tally=LocalTally(1, 1),
    )
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(ValueError):
        await server.listen("pop3s", listening)


@pytest.mark.parametrize("content", [b"", b"no PEM\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_an_unusable_certificate_is_named(tmp_path: Path, content: bytes) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.write_bytes(content)
    with pytest.raises(CertificateProblem, match=r"cert\.pem"):
        server_context(certificate, certificate)


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CertificateProblem, match=r"missing\.pem.*cannot be read"):
        server_context(tmp_path / "missing.pem", tmp_path / "missing.pem")


def test_a_key_of_another_certificate_is_named(tmp_path: Path) -> None:
    one, other = AUTHORITY.issue_cert("localhost"), AUTHORITY.issue_cert("localhost")
    one.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    other.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    with pytest.raises(CertificateProblem, match=r"key\.pem.*not the key"):
        server_context(tmp_path / "cert.pem", tmp_path / "key.pem")
