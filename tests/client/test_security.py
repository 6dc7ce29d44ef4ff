"""Nothing secret goes over a channel that is not what was demanded (RFC 2595, RFC 8314)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

import pillarbox
from pillarbox.client.errors import ClientError, Insecure, Unreachable
from pillarbox.client.tls import TlsSettings, fingerprint_of
from tests.client.scripted import HOST, PASSWORD, Answer, Peer, Scripted, answers

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(server)
    return server


RIGHT = AUTHORITY.issue_cert(HOST)
CERTIFICATES = {
    "another name": AUTHORITY.issue_cert("elsewhere.example.org"),
    "expired": AUTHORITY.issue_cert(HOST, not_after=datetime(2020, 1, 1, tzinfo=UTC)),
    "unknown authority": STRANGER.issue_cert(HOST),
}

SAID = {"another name": "elsewhere.example.org", "expired": "2020", "unknown authority": "--ca"}
"""What the user learns of it."""


@pytest.fixture
def trust(tmp_path: Path) -> TlsSettings:
    file = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(file)
    return TlsSettings(ca=file)


def der(certificate: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())


def no_password_asked() -> str:
    raise AssertionError("the password was asked for")


Server = Callable[[ssl.SSLContext], Scripted]
SERVERS: dict[str, Server] = {
    "pop3s": lambda tls: Scripted(answers(), implicit_tls=tls),
    "pop3": lambda tls: Scripted(answers(), tls=tls),
}


@pytest.mark.parametrize("scheme", SERVERS)
async def test_with_the_right_certificate_all_is_well(scheme: str, trust: TlsSettings) -> None:
    async with (
        SERVERS[scheme](context(RIGHT)) as server,
        pillarbox.connect(server.url(scheme), password=PASSWORD, tls=trust) as box,
    ):
        assert (await box.stat()).count == 3
    assert server.heard_in_clear == ([b"STLS"] if scheme == "pop3" else [])
    assert server.heard[:3] == [b"CAPA", b"USER alice", b"PASS " + PASSWORD.encode()]


@pytest.mark.parametrize("scheme", SERVERS)
@pytest.mark.parametrize("fault", CERTIFICATES)
async def test_a_certificate_that_does_not_convince(
    scheme: str, fault: str, trust: TlsSettings
) -> None:
    async with SERVERS[scheme](context(CERTIFICATES[fault])) as server:
        with pytest.raises(Insecure, match=SAID[fault]):
            await pillarbox.connect(server.url(scheme), password=no_password_asked, tls=trust)
    assert server.heard == []
    assert set(server.heard_in_clear) <= {b"STLS", b""}


@pytest.mark.parametrize("scheme", SERVERS)
async def test_a_pin_stands_in_for_the_authority_and_never_for_tls(scheme: str) -> None:
    certificate = CERTIFICATES["unknown authority"]
    pinned = TlsSettings(fingerprint=fingerprint_of(der(certificate)))
    async with (
        SERVERS[scheme](context(certificate)) as server,
        pillarbox.connect(server.url(scheme), password=PASSWORD, tls=pinned) as box,
    ):
        await box.noop()
    async with SERVERS[scheme](context(RIGHT)) as server:
        with pytest.raises(Insecure):
            await pillarbox.connect(server.url(scheme), password=no_password_asked, tls=pinned)
    assert server.heard == []
    async with Scripted(answers(STLS=b"-ERR no\r\n")) as server:
        with pytest.raises((Insecure, Unreachable)):
            await pillarbox.connect(server.url(scheme), password=no_password_asked, tls=pinned)


async def refuse(peer: Peer) -> None:
    await peer.say(b"-ERR unknown command\r\n")


async def inject_at_once(peer: Peer) -> None:
    await peer.say(b"+OK begin\r\n+OK forged\r\n")
    await peer.reader.read()


async def inject_half_a_line(peer: Peer) -> None:
    await peer.say(b"+OK begin\r\n+")
    await peer.reader.read()


async def inject_into_the_handshake(peer: Peer) -> None:
    """Behind the reply, but after the client has begun with TLS."""
    await peer.say(b"+OK begin\r\n")
    await peer.reader.read(1)
    await peer.say(b"+OK USER accepted\r\n+OK PASS accepted\r\n")
    await peer.reader.read()


async def say_nothing_of_tls(peer: Peer) -> None:
    await peer.say(b"+OK begin\r\n")
    while line := await peer.hear():
        del line
        await peer.say(b"+OK\r\n")


async def hang_up(peer: Peer) -> None:
    await peer.say(b"+OK begin\r\n")
    raise ConnectionAbortedError


STLS_ANSWERS: list[Answer] = [
    b"-ERR unknown command\r\n",
    b"-ERR [SYS/TEMP] TLS is broken\r\n",
    b"nonsense\r\n",
    b"+ go on\r\n",
    inject_at_once,
    inject_half_a_line,
    inject_into_the_handshake,
    say_nothing_of_tls,
    hang_up,
]


@pytest.mark.parametrize("answer", STLS_ANSWERS)
async def test_without_stls_nothing_is_said(answer: Answer, trust: TlsSettings) -> None:
    async with Scripted(answers(STLS=answer)) as server:
        with pytest.raises(ClientError):
            await pillarbox.connect(server.url("pop3"), password=no_password_asked, tls=trust)
    assert server.heard_in_clear[0] == b"STLS"
    said = b" ".join(server.heard_in_clear[1:] + server.heard)
    assert not any(word in said for word in (b"USER", b"PASS", b"AUTH", b"APOP", b"CAPA"))


@pytest.mark.parametrize("answer", [b"-ERR no\r\n", inject_at_once, inject_half_a_line])
async def test_a_refused_or_meddled_stls_is_a_matter_of_security(
    answer: Answer, trust: TlsSettings
) -> None:
    async with Scripted(answers(STLS=answer)) as server:
        with pytest.raises(Insecure):
            await pillarbox.connect(server.url("pop3"), password=no_password_asked, tls=trust)


async def test_a_server_without_tls_on_the_port_for_tls(trust: TlsSettings) -> None:
    async with Scripted(answers()) as server:
        with pytest.raises(ClientError):
            await pillarbox.connect(server.url("pop3s"), password=no_password_asked, tls=trust)
    assert not any(b"PASS" in line for line in server.heard_in_clear)


async def test_a_server_that_is_silent_in_the_handshake(trust: TlsSettings) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(deaf, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unreachable):
        await pillarbox.connect(
            f"pop3s://alice@{HOST}:{port}", password=no_password_asked, tls=trust, timeout=0.2
        )
    server.close()
    await server.wait_closed()


async def test_what_was_announced_in_clear_does_not_count(trust: TlsSettings) -> None:
    """Capabilities are asked for once TLS is up, and the greeting's offers are nothing."""
    greeting = b"+OK [PREAUTH] welcome alice\r\n"
    async with (
        Scripted(answers(), greeting=greeting, tls=context(RIGHT)) as server,
        pillarbox.connect(server.url("pop3"), password=PASSWORD, tls=trust),
    ):
        pass
    assert server.heard_in_clear == [b"STLS"]
    assert server.heard[0] == b"CAPA"


async def test_the_password_is_asked_for_only_when_it_can_be_used(trust: TlsSettings) -> None:
    asked: list[int] = []

    async with SERVERS["pop3"](context(RIGHT)) as server:

        async def password() -> str:
            asked.append(len(server.heard))
            return PASSWORD

        async with pillarbox.connect(server.url("pop3"), password=password, tls=trust):
            pass
    assert asked == [1]  # behind STLS and CAPA


async def test_traces_have_no_secrets(trust: TlsSettings) -> None:
    lines: list[str] = []
    sasl = b"+OK\r\nSASL PLAIN\r\n.\r\n"
    script = answers(CAPA=sasl, AUTH=b"+OK welcome\r\n")
    async with (
        Scripted(script, implicit_tls=context(RIGHT)) as server,
        pillarbox.connect(
            server.url("pop3s"), password=PASSWORD, tls=trust, trace=lines.append
        ) as box,
    ):
        await box.top(1, 0)
    dialogue = "\n".join(lines)
    assert "C: AUTH PLAIN ****" in lines
    assert "S: +OK welcome" in lines
    assert "C: TOP 1 0" in lines
    assert PASSWORD not in dialogue
    assert "AGFsaWNl" not in dialogue  # the beginning of NUL alice in base64
    assert "Received" not in dialogue
