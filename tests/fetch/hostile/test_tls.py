"""No password and no mail over a channel that is not what was demanded."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
import trustme

from pillarbox.client.endpoint import Security
from pillarbox.client.errors import ClientError, Insecure, OutOfStep, Unreachable
from pillarbox.client.tls import TlsSettings, fingerprint_of
from pillarbox.fetch.journal import Journal
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.run import journal_of
from tests.fetch.hostile.case import DELETE, KEEP, SOON, Case
from tests.fetch.hostile.maildrop import letters
from tests.fetch.hostile.server import HOST, Cut, HostileServer, Rule, Said

WAYS = pytest.mark.parametrize("security", [Security.IMPLICIT_TLS, Security.STLS])


def server_for(tls: ssl.SSLContext, security: Security) -> HostileServer:
    server = HostileServer(letters(3), tls=tls)
    server.implicit = security is Security.IMPLICIT_TLS
    return server


@WAYS
@pytest.mark.parametrize("rules", [DELETE, KEEP], ids=["delete", "keep"])
async def test_all_is_collected_over_tls(
    tmp_path: Path, server_tls: ssl.SSLContext, ca_file: Path, security: Security, rules: Rules
) -> None:
    async with server_for(server_tls, security) as server:
        case = Case(tmp_path, server, rules, security=security, tls=TlsSettings(ca_file))
        outcome = await case.run()
        assert outcome.error is None
        case.assert_done()
        await case.assert_settled()


async def test_capa_is_asked_again_behind_stls(
    tmp_path: Path, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    """What was announced in clear may be somebody else's word."""
    async with HostileServer(letters(1), tls=server_tls) as server:
        server.instead["CAPA"] = lambda said: None if said.session.secured else b"+OK\r\nSASL X\r\n"
        case = Case(tmp_path, server, security=Security.STLS, tls=TlsSettings(ca_file))
        await case.run()
        case.assert_done()


async def test_stls_refused(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server, security=Security.STLS)
    outcome = await case.run()
    assert isinstance(outcome.error, Insecure)
    assert "STLS" in str(outcome.error)
    assert len(server.maildrop.mails) == 3


async def test_stls_stripped_from_capa(
    tmp_path: Path, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    """Whoever is in between takes the word out of the listing: it is demanded all the same."""
    async with HostileServer(letters(3), tls=server_tls) as server:
        server.instead["CAPA"] = lambda said: (
            None if said.session.secured else said.honest().replace(b"STLS\r\n", b"")
        )
        case = Case(tmp_path, server, security=Security.STLS, tls=TlsSettings(ca_file))
        await case.run()
        case.assert_done()


async def test_stls_answered_by_silence(tmp_path: Path, server: HostileServer) -> None:
    server.instead["STLS"] = lambda _: b""
    outcome = await Case(tmp_path, server, security=Security.STLS, timeout=SOON).run()
    assert isinstance(outcome.error, Unreachable)


# What somebody in between puts behind the reply to STLS, for the client to take as TLS's word.
INJECTED = [
    b"+OK\r\n",
    b"+OK\r\nSASL PLAIN\r\n.\r\n",
    b"-ERR [AUTH] give your password again\r\n",
    b"\r\n",
    b"x",
]


@pytest.mark.parametrize("injected", INJECTED)
@pytest.mark.parametrize("piece", [0, 1])
async def test_stls_injection(
    tmp_path: Path, server_tls: ssl.SSLContext, ca_file: Path, injected: bytes, piece: int
) -> None:
    """CVE-2011-0411 and its kin (piece by piece it meets the handshake, which it breaks)."""
    async with HostileServer(letters(3), tls=server_tls) as server:
        server.piece = piece
        server.instead["STLS"] = lambda said: said.honest() + injected
        case = Case(
            tmp_path, server, security=Security.STLS, tls=TlsSettings(ca_file), timeout=SOON
        )
        outcome = await case.run()
        assert isinstance(outcome.error, Insecure | Unreachable)
        assert isinstance(outcome.error, Insecure) or piece
        assert server.maildrop.retrieved.total() == 0
        assert not any(session.signed_in for session in server.sessions)


def shut(_: Said) -> bytes:
    raise Cut


def nonsense(_: Said) -> bytes:
    return b"HTTP/1.1 400 Bad Request\r\n\r\n"


@pytest.mark.parametrize(
    ("rule", "error"), [(shut, Unreachable), (nonsense, OutOfStep)], ids=["shut", "nonsense"]
)
async def test_stls_breaks(
    tmp_path: Path, server: HostileServer, rule: Rule, error: type[Exception]
) -> None:
    server.instead["STLS"] = rule
    outcome = await Case(tmp_path, server, security=Security.STLS).run()
    assert isinstance(outcome.error, error)


async def test_no_tls_where_it_has_to_be_from_the_start(
    tmp_path: Path, server: HostileServer
) -> None:
    """Nothing but the first message of the handshake goes out in clear."""
    case = Case(tmp_path, server, timeout=SOON)
    endpoint = case.account.endpoint._replace(security=Security.IMPLICIT_TLS)
    server.piece = 1
    case.account = case.account._replace(endpoint=endpoint)
    case.check_channel = False  # a handshake is no command
    outcome = await case.run()
    assert isinstance(outcome.error, Insecure)
    assert b"alice" not in server.heard_in_clear


def context_with(authority: trustme.CA, name: str, *, age: int = 0) -> ssl.SSLContext:
    """With a certificate that expired *age* days ago; 0: it is good."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    issued = authority.issue_cert(
        name, not_before=now - (age + 1) * day, not_after=now - age * day if age else None
    )
    issued.configure_cert(context)
    return context


@WAYS
@pytest.mark.parametrize(
    ("name", "age", "said"),
    [(HOST, 10, "expired"), ("mail.example.org", 0, "is not for")],
    ids=["expired", "wrong name"],
)
async def test_a_certificate_that_does_not_convince(
    tmp_path: Path,
    authority: trustme.CA,
    ca_file: Path,
    security: Security,
    name: str,
    age: int,
    said: str,
) -> None:
    async with server_for(context_with(authority, name, age=age), security) as server:
        case = Case(tmp_path, server, security=security, tls=TlsSettings(ca_file))
        outcome = await case.run()
        assert isinstance(outcome.error, Insecure)
        assert said in str(outcome.error)
        assert not any(session.signed_in for session in server.sessions)
        assert len(server.maildrop.mails) == 3


@WAYS
async def test_a_certificate_of_an_unknown_authority(
    tmp_path: Path, server_tls: ssl.SSLContext, security: Security
) -> None:
    async with server_for(server_tls, security) as server:
        outcome = await Case(tmp_path, server, security=security).run()
        assert isinstance(outcome.error, Insecure)
        assert "--fingerprint" in str(outcome.error)
        assert not any(session.signed_in for session in server.sessions)


@WAYS
async def test_another_certificate_than_the_pinned_one(
    tmp_path: Path, server_tls: ssl.SSLContext, ca_file: Path, security: Security
) -> None:
    async with server_for(server_tls, security) as server:
        pin = TlsSettings(ca_file, fingerprint_of(b"another"))
        outcome = await Case(tmp_path, server, security=security, tls=pin).run()
        assert isinstance(outcome.error, Insecure)
        assert not any(session.signed_in for session in server.sessions)


async def test_a_weaker_sign_in_than_the_last_time(tmp_path: Path, server: HostileServer) -> None:
    """Somebody in between has taken the better mechanisms out of CAPA."""
    case = Case(tmp_path, server, KEEP)
    await case.run()
    with Journal(journal_of(case.account, case.state)) as journal:
        journal.remember(journal.memory._replace(mechanism="SCRAM-SHA-256"))
    server.mechanisms = ["PLAIN"]
    signed_in = len(server.sessions)
    outcome = await case.run()
    assert isinstance(outcome.error, Insecure)
    assert not any(session.signed_in for session in server.sessions[signed_in:])
    assert isinstance(outcome.error, ClientError)


async def test_cut_behind_every_octet_of_stls(
    tmp_path: Path, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    """Of what is said in clear; the run after it finds a healthy server."""
    for cut in range(len(b"+OK ready\r\n+OK begin\r\n")):
        async with HostileServer(letters(1), tls=server_tls) as server:
            server.cuts = {1: cut}
            case = Case(
                tmp_path / str(cut), server, security=Security.STLS, tls=TlsSettings(ca_file)
            )
            outcome = await case.run()
            assert isinstance(outcome.error, Unreachable)
            await case.run_until_done(1)
            case.assert_done()
