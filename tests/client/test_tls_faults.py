"""Each fault of TLS, made by a real server, and the sentence that it becomes."""

from __future__ import annotations

import ssl
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

import pillarbox
from pillarbox.client.errors import Insecure, Unreachable
from pillarbox.client.tls import TlsSettings, fingerprint_of
from pillarbox.client.tls_faults import tls_fault
from tests.client.tls_world import (
    DAY,
    connect,
    der_of,
    expired_authority,
    look,
    server_side,
    serving,
    write_pem,
)

AUTHORITY = trustme.CA()
NOW = datetime.now(UTC)


def moment(of: datetime) -> str:
    return f"{of:%Y-%m-%d %H:%M} UTC"


def expired() -> trustme.LeafCert:
    return AUTHORITY.issue_cert("localhost", not_before=NOW - 9 * DAY, not_after=NOW - 2 * DAY)


def early() -> trustme.LeafCert:
    return AUTHORITY.issue_cert("localhost", not_before=NOW + DAY, not_after=NOW + 9 * DAY)


def for_two_names() -> trustme.LeafCert:
    return AUTHORITY.issue_cert("a.example", "192.0.2.1")


def for_eight_names() -> trustme.LeafCert:
    return AUTHORITY.issue_cert(*(f"{number}.example.org" for number in range(1, 9)))


def without_a_name() -> trustme.LeafCert:
    return AUTHORITY.issue_cert(common_name="localhost")


def of_a_stranger() -> trustme.LeafCert:
    return trustme.CA().issue_cert("localhost")


OTHER_NAMES = (
    'is not for "localhost" (it is for "a.example", "192.0.2.1"); if one of its names is the '
    "server that you mean, put that into the URL"
)

# fmt: off
CERTIFICATES = [
    # certificate     the sentence goes on from "the certificate of …"
    (expired,         f"expired on {moment(NOW - 2 * DAY)}; its operator has to renew it"),
    (early,           f"is not valid before {moment(NOW + DAY)}; is the clock of this machine right?"),
    (for_two_names,   OTHER_NAMES),
    (for_eight_names, '"5.example.org" and 3 more)'),
    (without_a_name,  "(it has no subject alternative name, and nothing else counts)"),
    (of_a_stranger,   "was issued by nobody whom this system trusts"),
]
WITHOUT_DETAILS = [
    (expired,         "expired; its operator has to renew it"),
    (early,           "is not valid yet; is the clock of this machine right?"),
    (for_two_names,   'is not for "localhost"; if one'),
    (of_a_stranger,   "--fingerprint SHA256"),
]
# fmt: on


def name_of(value: object) -> str:
    """Of a parameter: workers of one test run must agree on it, so nothing with a date."""
    return getattr(value, "__name__", "sentence")


Issue = Callable[[], trustme.LeafCert]


@pytest.fixture
def trusting(tmp_path: Path) -> ssl.SSLContext:
    return TlsSettings(ca=write_pem(tmp_path / "ca.pem", AUTHORITY.cert_pem)).context()


async def refused(context: ssl.SSLContext, port: int) -> OSError:
    with pytest.raises(OSError) as caught:
        await connect(context, port, "localhost")
    return caught.value


@pytest.mark.parametrize(("issue", "words"), CERTIFICATES, ids=name_of)
async def test_faults_of_certificates(trusting: ssl.SSLContext, issue: Issue, words: str) -> None:
    async with serving(server_side(issue())) as port:
        fault = tls_fault(await refused(trusting, port), "localhost", port, await look(port))
    assert isinstance(fault, Insecure)
    assert str(fault).startswith(f"the certificate of localhost:{port} ")
    assert words in str(fault)


@pytest.mark.parametrize(("issue", "words"), WITHOUT_DETAILS, ids=name_of)
@pytest.mark.parametrize("has_looked", [False, True])
async def test_without_a_look_or_without_cryptography_the_sentence_has_fewer_details(
    trusting: ssl.SSLContext,
    issue: Issue,
    words: str,
    has_looked: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leaf = issue()
    async with serving(server_side(leaf)) as port:
        error = await refused(trusting, port)
    monkeypatch.setitem(sys.modules, "cryptography", None)  # what an import then meets
    assert words in str(tls_fault(error, "localhost", port, der_of(leaf) if has_looked else None))


async def test_an_unknown_issuer_can_be_pinned_as_the_sentence_says(
    trusting: ssl.SSLContext,
) -> None:
    leaf = trustme.CA().issue_cert("localhost")
    async with serving(server_side(leaf)) as port:
        sentence = str(tls_fault(await refused(trusting, port), "h", port, await look(port)))
        pin = sentence.rpartition("--fingerprint ")[2]
        assert pin == fingerprint_of(der_of(leaf))
        await connect(TlsSettings(fingerprint=pin).context(), port, "localhost")
    assert "--ca FILE" in sentence
    assert "operator confirms" in sentence


async def test_an_authority_that_has_expired_is_told_from_its_certificate(tmp_path: Path) -> None:
    root, pair = expired_authority()
    (tmp_path / "root.pem").write_bytes(root)
    (tmp_path / "pair.pem").write_bytes(pair)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    async with serving(context) as port:
        error = await refused(TlsSettings(ca=tmp_path / "root.pem").context(), port)
        fault = tls_fault(error, "localhost", port, await look(port))
    assert "one that it was issued with has expired" in str(fault)


async def test_a_certificate_that_nobody_understands_still_gives_a_sentence(
    trusting: ssl.SSLContext,
) -> None:
    async with serving(server_side(expired())) as port:
        error = await refused(trusting, port)
    assert "expired; its operator" in str(tls_fault(error, "h", port, b"\x30\x03nonsense"))


async def test_no_tls_at_all(trusting: ssl.SSLContext) -> None:
    async with serving(None, b"+OK ready\r\n") as port:
        fault = tls_fault(await refused(trusting, port), "::1", port)
    assert isinstance(fault, Insecure)
    assert str(fault).startswith(f"[::1]:{port} does not speak TLS there; with STLS")


async def test_a_connection_that_breaks_in_the_handshake_is_worth_another_try(
    trusting: ssl.SSLContext,
) -> None:
    async with serving(None, b"") as port:
        fault = tls_fault(await refused(trusting, port), "h", port)
    assert isinstance(fault, Unreachable)
    assert fault.temporary
    assert "broke the connection off" in str(fault)


async def test_a_server_that_speaks_only_old_tls(trusting: ssl.SSLContext) -> None:
    context = server_side(AUTHORITY.issue_cert("localhost"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serving(context) as port:
        fault = tls_fault(await refused(trusting, port), "h", port)
    assert isinstance(fault, Insecure)
    assert "only TLS older than 1.2" in str(fault)


async def test_a_server_that_wants_our_certificate_says_so_behind_the_handshake(
    trusting: ssl.SSLContext,
) -> None:
    context = server_side(AUTHORITY.issue_cert("localhost"), wants=AUTHORITY)
    async with serving(context) as port:
        fault = tls_fault(await refused(trusting, port), "h", port)
    assert isinstance(fault, Insecure)
    assert "--client-cert FILE" in str(fault)


async def test_a_server_that_does_not_accept_our_certificate(
    trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    ours = trustme.CA().issue_cert("alice@example.org")
    file = write_pem(tmp_path / "alice.pem", ours.private_key_pem, *ours.cert_chain_pems)
    trusting.load_cert_chain(file)
    context = server_side(AUTHORITY.issue_cert("localhost"), wants=AUTHORITY)
    async with serving(context) as port:
        fault = tls_fault(await refused(trusting, port), "h", port)
    assert isinstance(fault, Insecure)
    assert "does not accept the certificate of ours" in str(fault)


async def test_who_connects_hears_of_the_certificate_and_not_of_a_broken_connection(
    tmp_path: Path,
) -> None:
    """It comes in the place of the greeting (TLS 1.3), and trying again later does not help."""
    authority = write_pem(tmp_path / "authority.pem", AUTHORITY.cert_pem)
    ours = trustme.CA().issue_cert("alice@example.org")
    file = write_pem(tmp_path / "alice.pem", ours.private_key_pem, *ours.cert_chain_pems)
    context = server_side(AUTHORITY.issue_cert("localhost"), wants=AUTHORITY)
    for certificate, words in ((None, "wants a certificate"), (file, "does not accept the")):
        async with serving(context) as port:
            with pytest.raises(Insecure, match=words):
                await pillarbox.connect(
                    f"pop3s://alice@localhost:{port}",
                    password="never sent",
                    tls=TlsSettings(ca=authority, client_certificate=certificate),
                )


async def test_tls_that_is_too_weak(trusting: ssl.SSLContext) -> None:
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    trusting.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")  # the certificate's key is of another kind
    async with serving(server_side(AUTHORITY.issue_cert("localhost"))) as port:
        fault = tls_fault(await refused(trusting, port), "h", port)
    assert "no TLS that is strong enough" in str(fault)


def test_what_is_not_foreseen_names_openssls_reason() -> None:
    error = ssl.SSLError(1, "[SSL: BAD_SIGNATURE] bad signature")
    error.reason = "BAD_SIGNATURE"
    fault = tls_fault(error, "h", 995)
    assert isinstance(fault, Insecure)
    assert str(fault) == "h:995 failed at TLS (BAD_SIGNATURE); nothing secret was sent"
