"""Certificates that clients show (``tls.client_certificates``)."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from pillarbox.server.client_certificate import MAX_IDENTITIES, ClientCertificates, identities
from pillarbox.server.connection import Connection
from pillarbox.server.limits import Policy
from pillarbox.server.tls import CertificateProblem, server_context
from tests.server.conftest import Logs
from tests.server.house import AUTHORITY, House, to_the_end
from tests.transport import nobody_left
from tests.world import Accounts, FaultyStore

PEOPLE = trustme.CA(organization_name="People")
OTHERS = trustme.CA(organization_name="Others")
ALICE = PEOPLE.issue_cert("alice@example.org", common_name="alice")
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
BOTH = ("email", "common-name")

versions = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


def client(
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, shows: trustme.LeafCert | None = None
) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = context.maximum_version = version
    AUTHORITY.configure_trust(context)
    if shows is not None:
        shows.configure_cert(context)
    return context


def revocations(authority: trustme.CA, *revoked: trustme.LeafCert) -> bytes:
    """A revocation list of *authority*'s, for so many of its certificates."""
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(NOW - DAY)
        .next_update(NOW + 30 * DAY)
    )
    for leaf in revoked:
        certificate = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(NOW - DAY).build())
    signed = builder.sign(key, hashes.SHA256())  # type: ignore[arg-type] # trustme's are of a kind that signs
    return signed.public_bytes(serialization.Encoding.PEM)


class Opened(Protocol):
    """Opens a house that asks for certificates of people."""

    async def __call__(
        self, *, required: bool = False, crl: bytes | None = None, kinds: Sequence[str] = BOTH
    ) -> House: ...


@pytest.fixture
async def opened(store: FaultyStore, accounts: Accounts, tmp_path: Path) -> AsyncIterator[Opened]:
    houses: list[House] = []

    async def open_(
        *, required: bool = False, crl: bytes | None = None, kinds: Sequence[str] = BOTH
    ) -> House:
        PEOPLE.cert_pem.write_to_path(str(tmp_path / "people.pem"))
        revoked = tmp_path / "revoked.pem" if crl is not None else None
        if revoked is not None and crl is not None:
            revoked.write_bytes(crl)
        asked = ClientCertificates(tmp_path / "people.pem", required, revoked)
        policy = Policy(
            hostname="localhost",
            client_identity=tuple(kinds),  # type: ignore[arg-type] # a test's word
        )
        house = House(store, accounts, tmp_path, policy, clients=asked)
        await house.open()
        houses.append(house)
        return house

    yield open_
    for house in houses:
        await house.server.stop(0)


def known_as(house: House) -> tuple[str, ...]:
    """The identities of the one session there is."""
    (guest,) = house.server._connections
    assert isinstance(guest, Connection)
    return guest.session.certificate_identities


async def greeted(house: House, context: ssl.SSLContext) -> bool:
    """Whether a client gets in; with TLS 1.3 it learns only behind its handshake that it does not."""
    try:
        reader, writer = await house.connect("pop3s", context)
    except (ssl.SSLError, ConnectionError):
        return False
    try:
        return (await reader.readline()).startswith(b"+OK")
    except (ssl.SSLError, ConnectionError):
        return False
    finally:
        writer.transport.abort()


def failure(logs: Logs) -> str:
    (line,) = [line for line in logs if line["event"] == "TLS failed"]
    assert line["peer"] == "127.0.0.1"
    assert line["door"] == "pop3s"
    return str(line["error"])


@versions
async def test_required_and_none_is_shown(
    opened: Opened, version: ssl.TLSVersion, logs: Logs
) -> None:
    house = await opened(required=True)
    assert not await greeted(house, client(version))
    await nobody_left(house.server)
    assert failure(logs) == "the client showed no certificate"
    (end,) = [line for line in logs if line["event"] == "session ended"]
    assert end["reason"] == "TLS failed"


@versions
@pytest.mark.parametrize("required", [False, True])
async def test_of_another_authority(
    opened: Opened, version: ssl.TLSVersion, required: bool, logs: Logs
) -> None:
    house = await opened(required=required)
    stranger = OTHERS.issue_cert("alice@example.org", common_name="alice")
    assert not await greeted(house, client(version, stranger))
    await nobody_left(house.server)
    assert failure(logs).startswith("the client's certificate is refused: ")


async def test_expired(opened: Opened, logs: Logs) -> None:
    house = await opened()
    old = PEOPLE.issue_cert("alice@example.org", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    assert not await greeted(house, client(shows=old))
    await nobody_left(house.server)
    assert failure(logs) == "the client's certificate is refused: certificate has expired"


@versions
@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("door", ["pop3s", "pop3"])
async def test_a_right_one_says_who_it_is(
    opened: Opened, version: ssl.TLSVersion, required: bool, door: str
) -> None:
    house = await opened(required=required)
    context = client(version, ALICE)
    if door == "pop3s":
        reader, writer = await house.connect(door, context)
        await reader.readline()
    else:
        reader, writer = await house.connect(door)
        await reader.readline()
        assert known_as(house) == ()
        writer.write(b"STLS\r\n")
        await reader.readline()
        await writer.start_tls(context, server_hostname="localhost")
        writer.write(b"NOOP\r\n")
        await reader.readline()
    assert known_as(house) == ("alice@example.org", "alice")
    writer.write(b"USER mrose\r\nPASS tanstaaf\r\nQUIT\r\n")
    assert (await to_the_end(reader)).count(b"+OK") == 3
    writer.close()


@versions
async def test_optional_and_none_is_shown(opened: Opened, version: ssl.TLSVersion) -> None:
    house = await opened()
    reader, writer = await house.connect("pop3s", client(version))
    assert (await reader.readline()).startswith(b"+OK")
    assert known_as(house) == ()
    writer.transport.abort()


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("email",), ("alice@example.org",)),
        (("common-name",), ("alice",)),
        (("common-name", "email"), ("alice", "alice@example.org")),
    ],
)
async def test_the_operator_says_which_names_count(
    opened: Opened, kinds: Sequence[str], expected: tuple[str, ...]
) -> None:
    house = await opened(kinds=kinds)
    reader, writer = await house.connect("pop3s", client(shows=ALICE))
    await reader.readline()
    assert known_as(house) == expected
    writer.transport.abort()


async def test_who_is_not_asked_shows_nothing(house: House) -> None:
    reader, writer = await house.connect("pop3s", client(shows=ALICE))
    await reader.readline()
    assert known_as(house) == ()
    writer.transport.abort()


@versions
async def test_revoked(opened: Opened, version: ssl.TLSVersion, logs: Logs) -> None:
    mallory = PEOPLE.issue_cert("mallory@example.org")
    house = await opened(crl=revocations(PEOPLE, mallory))
    assert await greeted(house, client(version, ALICE))
    assert not await greeted(house, client(version, mallory))
    await nobody_left(house.server)
    assert failure(logs) == "the client's certificate is refused: certificate revoked"


async def test_without_the_list_of_every_authority_nobody_of_it_gets_in(
    opened: Opened, logs: Logs
) -> None:
    house = await opened(crl=revocations(PEOPLE))
    department = PEOPLE.create_child_ca()
    assert not await greeted(house, client(shows=department.issue_cert("bob@example.org")))
    await nobody_left(house.server)
    assert failure(logs) == "the client's certificate is refused: unable to get certificate CRL"


async def resumable(
    house: House, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[ssl.SSLObject, asyncio.StreamWriter]:
    """A greeted client with its TLS in hand, which may bring a session."""
    reader, writer = await house.connect("pop3s")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost", session=session)
    while True:
        try:
            greeting = tls.read(512)
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
            said = await reader.read(65536)
            if not said:
                writer.transport.abort()
                raise ConnectionAbortedError from None
            incoming.write(said)
        except ssl.SSLError:
            writer.transport.abort()
            raise
        else:
            assert greeting.startswith(b"+OK")
            return tls, writer


@versions
async def test_a_resumed_session_is_still_the_certificates(
    opened: Opened, version: ssl.TLSVersion
) -> None:
    """OpenSSL resumes no session with a certificate unless the session id context is set."""
    house = await opened(required=True)
    context = client(version, ALICE)
    tls, writer = await resumable(house, context, None)
    assert not tls.session_reused
    writer.transport.abort()
    await nobody_left(house.server)
    again, writer = await resumable(house, context, tls.session)
    assert again.session_reused
    assert known_as(house) == ("alice@example.org", "alice")
    writer.transport.abort()


@versions
async def test_a_resumed_session_ends_with_its_certificate(
    opened: Opened, version: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    """OpenSSL verifies nothing when it resumes: tickets would outlive the certificate for ever."""
    house = await opened()
    brief = PEOPLE.issue_cert("alice@example.org", not_after=NOW + DAY)
    context = client(version, brief)
    tls, writer = await resumable(house, context, None)
    writer.transport.abort()
    await nobody_left(house.server)
    monkeypatch.setattr("time.time", (NOW + 2 * DAY).timestamp)
    with pytest.raises(ConnectionError):
        await resumable(house, context, tls.session)
    assert failure(logs).startswith("the client's certificate is refused: it has expired")


@versions
async def test_a_session_without_a_certificate_is_no_way_around_it(
    opened: Opened, house: House, version: ssl.TLSVersion
) -> None:
    """A ticket of a server that did not ask is worth nothing where one is required."""
    context = client(version)
    tls, writer = await resumable(house, context, None)
    writer.transport.abort()
    strict = await opened(required=True)
    with pytest.raises(ssl.SSLError, match=r"CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE"):
        await resumable(strict, context, tls.session)


def email(*values: str) -> dict[str, object]:
    return {"subjectAltName": tuple(("email", value) for value in values)}


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        (None, ()),
        ({}, ()),
        (email("a@b.example", "c@d.example"), ("a@b.example", "c@d.example")),
        (email("a@b.example", "a@b.example"), ("a@b.example",)),
        (email("a@b.example\0.evil.example", "", "x\ny", "c@d.example"), ("c@d.example",)),
        ({"subjectAltName": (("DNS", "alice"), ("URI", "alice"), ("DirName", ()))}, ()),
        ({"subject": ((("organizationName", "x"),), (("commonName", "alice"),))}, ("alice",)),
        ({"subject": ((("commonName", "a"), ("commonName", "b")),)}, ("a", "b")),
        ({"subject": ((("commonName", "a\0b"),),)}, ()),
        ({"subject": ((("emailAddress", "old@style.example"),),)}, ()),
    ],
)
def test_which_names_are_users(certificate: dict[str, object] | None, expected: object) -> None:
    assert identities(certificate, ("email", "common-name")) == expected


def test_the_names_of_one_certificate_are_bounded() -> None:
    many = email(*(f"user{number}@example.org" for number in range(1000)))
    assert len(identities(many, ("email",))) == MAX_IDENTITIES


@pytest.mark.parametrize("content", [None, b"", b"no PEM\n"])
def test_authorities_that_cannot_be_used_are_named(tmp_path: Path, content: bytes | None) -> None:
    pem, ca = tmp_path / "server.pem", tmp_path / "ca.pem"
    AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    if content is not None:
        ca.write_bytes(content)
    with pytest.raises(CertificateProblem, match=r"ca\.pem: (cannot be read|has no certificate)"):
        server_context(pem, pem, clients=ClientCertificates(ca, required=True))


def test_a_revocation_list_that_is_none_is_named(tmp_path: Path) -> None:
    pem, ca = tmp_path / "server.pem", tmp_path / "ca.pem"
    AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    PEOPLE.cert_pem.write_to_path(str(ca))
    asked = ClientCertificates(ca, required=True, revoked=ca)
    with pytest.raises(CertificateProblem, match=r"ca\.pem: has no revocation list"):
        server_context(pem, pem, clients=asked)
