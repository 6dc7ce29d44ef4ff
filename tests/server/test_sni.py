"""Certificates by server name (RFC 6066, section 3)."""

from __future__ import annotations

import asyncio
import gc
import ssl
from pathlib import Path

import pytest

from pillarbox.server.sni import ByName
from pillarbox.server.tls import server_context
from tests.server.conftest import Logs
from tests.server.house import AUTHORITY, House
from tests.transport import nobody_left

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def context(folder: Path, *names: str) -> ssl.SSLContext:
    pem = folder / f"{names[0].replace('*', 'any')}.pem"
    AUTHORITY.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(pem))
    return server_context(pem, pem)


@pytest.fixture
def named(house: House, tmp_path: Path) -> House:
    """A house with a certificate for some names more."""
    mail, any_ = context(tmp_path, "mail.example.org"), context(tmp_path, "*.example.org")
    lay(house, {"mail.example.org": mail, "*.example.org": any_})
    return house


def lay(house: House, contexts: dict[str, ssl.SSLContext], *, strict: bool = False) -> None:
    assert house.server.tls is not None
    house.server.tls.sni_callback = ByName(contexts, default_names=["localhost"], strict=strict)


def client(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    found = ssl.create_default_context()
    found.check_hostname = False
    found.minimum_version = found.maximum_version = version
    AUTHORITY.configure_trust(found)
    return found


async def shown(house: House, door: str, name: str, found: ssl.SSLContext) -> list[str]:
    """The names of the certificate that a client who asks for *name* gets."""
    if door == "pop3s":
        reader, writer = await house.connect("pop3s", found, name)
    else:
        reader, writer = await house.connect("pop3")
        await reader.readline()
        writer.write(b"STLS\r\n")
        await reader.readline()
        await writer.start_tls(found, server_hostname=name)
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    certificate = tls.getpeercert()
    assert certificate is not None
    writer.write(b"QUIT\r\n")
    await reader.readline()
    writer.close()
    return [str(pair[1]) for pair in certificate["subjectAltName"]]


CHOICES = [
    ("mail.example.org", "mail.example.org"),
    ("MAIL.example.ORG", "mail.example.org"),
    ("pop.example.org", "*.example.org"),
    ("a.pop.example.org", "localhost"),
    ("example.org", "localhost"),
    ("localhost", "localhost"),
    ("unknown.example", "localhost"),
    ("127.0.0.1", "localhost"),  # no name is sent for an address
]


@pytest.mark.parametrize(("name", "expected"), CHOICES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("door", ["pop3s", "pop3"])
async def test_the_name_picks_the_certificate(
    named: House, door: str, name: str, expected: str, version: ssl.TLSVersion
) -> None:
    assert await shown(named, door, name, client(version)) == [expected]


@pytest.mark.parametrize(("name", "expected"), CHOICES)
async def test_strict_refuses_a_name_that_no_certificate_has(
    named: House, tmp_path: Path, name: str, expected: str, logs: Logs
) -> None:
    """ALPACA: a browser that was led here in another server's name gets no session."""
    lay(named, {"*.example.org": context(tmp_path, "*.example.org")}, strict=True)
    if name in {"a.pop.example.org", "example.org", "unknown.example"}:
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            await shown(named, "pop3s", name, client())
        await nobody_left(named.server)
        (line,) = [line for line in logs if line["event"] == "TLS failed"]
        assert "server name" in line["error"]
    else:
        found = await shown(named, "pop3s", name, client())
        assert found == ["*.example.org" if "example.org" in name.lower() else "localhost"]


async def test_alpn_holds_for_every_name(named: House) -> None:
    for name in ("localhost", "mail.example.org"):
        found = client()
        found.set_alpn_protocols(["pop3"])
        _, writer = await named.connect("pop3s", found, name)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "pop3"
        writer.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_session_of_another_name_resumes_nothing_that_it_should_not(
    named: House, version: ssl.TLSVersion
) -> None:
    """A name's session is resumed for that name; for another there is its own certificate."""
    found = client(version)
    tickets: dict[str, ssl.SSLSession] = {}
    for name, before in [
        ("mail.example.org", None),
        ("mail.example.org", "mail.example.org"),
        ("localhost", "mail.example.org"),
    ]:
        reader, writer = await asyncio.open_connection("127.0.0.1", named.ports["pop3s"])
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = tickets[before] if before else None
        tls = found.wrap_bio(incoming, outgoing, server_hostname=name, session=session)
        while True:
            try:
                greeting = tls.read(512)
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65536))
        assert greeting.startswith(b"+OK")
        if before == name:
            assert tls.session_reused
        certificate = tls.getpeercert()
        if not tls.session_reused:
            assert certificate is not None
            assert certificate["subjectAltName"] == (("DNS", name),)
        assert tls.session is not None
        tickets[name] = tls.session
        writer.close()


async def test_cve_2017_15130_no_server_name_makes_a_table_of_names_grow(named: House) -> None:
    assert named.server.tls is not None
    table = named.server.tls.sni_callback
    assert isinstance(table, ByName)
    before = dict(table._contexts)
    gc.collect()
    contexts = sum(isinstance(thing, ssl.SSLContext) for thing in gc.get_objects())
    found = client()
    for number in range(20):
        await shown(named, "pop3s", f"host-{number}.unknown.example", found)
    await nobody_left(named.server)
    gc.collect()
    assert table._contexts == before
    now = sum(isinstance(thing, ssl.SSLContext) for thing in gc.get_objects())
    assert now <= contexts + 1, "the client's"


def test_the_whole_name_counts_before_a_wildcard() -> None:
    one, two = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    table = ByName({"*.a.example": two, "B.a.example.": one}, default_names=["c.a.example"])
    assert table.find("b.A.example") == (True, one)
    assert table.find("d.a.example.") == (True, two)
    assert table.find("c.a.example") == (True, None), "the default's own name, in spite of the star"
    assert table.find("*.a.example") == (True, two)
    assert table.find("a.example") == (False, None)
    assert table.find("") == (False, None)
    assert table.find(".") == (False, None)
