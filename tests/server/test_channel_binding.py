"""SCRAM bound to real TLS connections, with our client and with one that others wrote."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import scramp  # type: ignore[import-untyped] # it comes without types
import trustme
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

import pillarbox
from pillarbox.client.errors import SignInRefused
from pillarbox.client.tls import TlsSettings
from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.end_point import server_end_point
from pillarbox.server import tls
from pillarbox.server.limits import Policy
from pillarbox.server.tls import channel_bindings, note_certificate, server_context
from tests.server.conftest import Logs
from tests.server.house import AUTHORITY, House
from tests.world import Accounts, FaultyStore

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS")
PLUS = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS")


@pytest.fixture
async def house(store: FaultyStore, accounts: Accounts, tmp_path: Path) -> AsyncIterator[House]:
    house = House(store, accounts, tmp_path, Policy(mechanisms=MECHANISMS))
    await house.open()
    yield house
    await house.server.stop(0)


def url(house: House, door: str) -> str:
    scheme = "pop3s" if door == "pop3s" else "pop3"
    return f"{scheme}://mrose@localhost:{house.ports[scheme]}"


@pytest.mark.parametrize("door", ["pop3s", "stls"])
async def test_our_client_takes_plus_by_itself(house: House, door: str) -> None:
    async with pillarbox.connect(
        url(house, door), password="tanstaaf", tls=TlsSettings(ca=house.authority)
    ) as box:
        assert box.mechanism == "SCRAM-SHA-256-PLUS"


@pytest.mark.parametrize("door", ["pop3s", "stls"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_every_mechanism(house: House, door: str, mechanism: str) -> None:
    how = {"tls": TlsSettings(ca=house.authority), "mechanism": mechanism}
    async with pillarbox.connect(url(house, door), password="tanstaaf", **how) as box:  # type: ignore[arg-type] # two kinds of options
        assert box.mechanism == mechanism
    with pytest.raises(SignInRefused):
        await pillarbox.connect(url(house, door), password="wrong", **how)  # type: ignore[arg-type] # likewise


async def test_a_liar_with_a_certificate_of_the_same_authority_is_found_out(
    house: House, tmp_path: Path, logs: Logs
) -> None:
    """CVE-2026-33603. He passes all that the client says on, over a connection of his own."""
    pem = tmp_path / "liar.pem"
    AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await house.connect("pop3s", house.context)
        await asyncio.gather(pump(reader, ours), pump(theirs, writer))

    liar = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=server_context(pem, pem))
    async with liar:
        port = liar.sockets[0].getsockname()[1]
        trust = TlsSettings(ca=house.authority)
        address = f"pop3s://mrose@localhost:{port}"
        with pytest.raises(SignInRefused, match="somebody between here and the server"):
            await pillarbox.connect(address, password="tanstaaf", tls=trust)
        assert [line["reason"] for line in logs if line["event"] == "sign-in failed"] == [
            "channel-bindings-dont-match"
        ]
        # What -PLUS is for: without it he would be in.
        async with pillarbox.connect(
            address, password="tanstaaf", tls=trust, mechanism="SCRAM-SHA-256"
        ) as box:
            assert box.mechanism == "SCRAM-SHA-256"


async def test_somebody_who_takes_plus_out_of_the_list_is_found_out(house: House) -> None:
    """RFC 5802, section 6: the client could bind itself, and says so."""

    async def take_out(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await house.connect("pop3s", house.context)
        await asyncio.gather(pump(reader, ours), pump(theirs, writer, without=b"-PLUS"))

    pem = house.authority.with_name("server.pem")  # his own certificate need not even differ
    liar = await asyncio.start_server(take_out, "127.0.0.1", 0, ssl=server_context(pem, pem))
    async with liar:
        address = f"pop3s://mrose@localhost:{liar.sockets[0].getsockname()[1]}"
        with pytest.raises(SignInRefused, match="has removed the -PLUS mechanisms"):
            await pillarbox.connect(
                address, password="tanstaaf", tls=TlsSettings(ca=house.authority)
            )


async def pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, without: bytes = b""
) -> None:
    while data := await reader.read(65536):
        writer.write(data.replace(without, b"") if without else data)
    writer.close()


async def scramp_signs_in(
    house: House, mechanism: str, password: str, binding: tuple[str, bytes] | None
) -> bytes:
    """scramp is the client; what the server says in the end."""
    reader, writer = await house.connect("pop3s", house.context)
    await reader.readline()
    client = scramp.ScramClient(
        [mechanism], "mrose", password, channel_binding=binding and (binding[0], binding[1] or real(writer))
    )  # fmt: skip

    async def exchange(line: bytes) -> bytes:
        writer.write(line + b"\r\n")
        return await reader.readline()

    try:
        first = base64.b64encode(client.get_client_first().encode())
        said = await exchange(f"AUTH {mechanism} ".encode() + first)
        client.set_server_first(base64.b64decode(said[2:]).decode())
        said = await exchange(base64.b64encode(client.get_client_final().encode()))
        if said.startswith(b"+ "):
            client.set_server_final(base64.b64decode(said[2:]).decode())
            said = await exchange(b"")
    finally:
        writer.close()
    return said


def real(writer: asyncio.StreamWriter) -> bytes:
    """RFC 5929, section 4.1; the certificates here are signed with SHA-256."""
    connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
    shown = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")
    return shown.fingerprint(hashes.SHA256())


@pytest.mark.parametrize("mechanism", MECHANISMS[1:])
async def test_scramp(house: House, mechanism: str) -> None:
    binding = ("tls-server-end-point", b"") if mechanism in PLUS else None
    assert (await scramp_signs_in(house, mechanism, "tanstaaf", binding)).startswith(b"+OK")
    assert (await scramp_signs_in(house, mechanism, "wrong", binding)).startswith(b"-ERR [AUTH]")


@pytest.mark.parametrize("mechanism", PLUS)
async def test_scramp_at_somebody_elses_certificate(house: House, mechanism: str) -> None:
    with pytest.raises(scramp.ScramException, match="bindings-dont-match"):
        await scramp_signs_in(house, mechanism, "tanstaaf", ("tls-server-end-point", b"x" * 32))


def test_on_uvloop_too(store: FaultyStore, accounts: Accounts, tmp_path: Path) -> None:
    """The server's loop in production: its connections tell their TLS context as well."""

    async def sign_in() -> str:
        house = House(store, accounts, tmp_path, Policy(mechanisms=MECHANISMS))
        await house.open()
        async with pillarbox.connect(
            url(house, "stls"), password="tanstaaf", tls=TlsSettings(ca=house.authority)
        ) as box:
            mechanism = box.mechanism
        await house.server.stop(0)
        return mechanism

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(sign_in()) == "SCRAM-SHA-256-PLUS"


# What a connection can be bound to.


def handshake(server: ssl.SSLContext) -> ssl.SSLObject:
    """A connection without a socket; the server's end of it."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(back, there, server_hostname="localhost")
    theirs = server.wrap_bio(there, back, server_side=True)
    for side in (ours, theirs, ours, theirs):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return theirs


def issued(folder: Path, name: str) -> tuple[Path, trustme.LeafCert]:
    made = AUTHORITY.issue_cert("localhost")
    pem = folder / name
    made.private_key_and_cert_chain_pem.write_to_path(str(pem))
    return pem, made


def der(made: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())


def test_each_connection_is_bound_to_the_certificate_that_it_showed(tmp_path: Path) -> None:
    """As with several certificates, of which the client's SNI chooses one."""
    one, made_one = issued(tmp_path, "one.pem")
    other, made_other = issued(tmp_path, "other.pem")
    default, chosen = server_context(one, one), server_context(other, other)
    assert channel_bindings(handshake(default)) == (server_end_point(der(made_one)),)

    def choose(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        connection.context = chosen

    default.sni_callback = choose
    assert channel_bindings(handshake(default)) == (server_end_point(der(made_other)),)


def test_the_key_may_stand_first_in_the_file(tmp_path: Path) -> None:
    made = AUTHORITY.issue_cert("localhost")
    pem = tmp_path / "server.pem"
    chain = [blob.bytes() for blob in made.cert_chain_pems]
    authority = AUTHORITY.cert_pem.bytes()
    pem.write_bytes(b"Bag\r\n" + made.private_key_pem.bytes() + b"".join(chain) + authority)
    assert channel_bindings(handshake(server_context(pem, pem))) == (server_end_point(der(made)),)


def test_a_certificate_without_a_hash_of_its_own_has_no_binding(tmp_path: Path) -> None:
    """Ed25519 (RFC 5929, section 4.1: undefined): then -PLUS is not offered."""
    key = ed25519.Ed25519PrivateKey.generate()
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + self_signed(key)
    )
    assert channel_bindings(handshake(server_context(pem, pem))) == ()


def self_signed(key: ed25519.Ed25519PrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, None)
    )
    return built.public_bytes(Encoding.PEM)


class Future:
    """A connection as a Python that exports keys will have it."""

    def __init__(self, context: ssl.SSLContext, version: str, data: bytes | None) -> None:
        self.context = context
        self._version, self._data = version, data

    def version(self) -> str:
        return self._version

    def get_channel_binding(self, kind: str) -> bytes | None:
        assert kind == "tls-exporter"
        return self._data


@pytest.mark.parametrize(
    ("known", "version", "data", "found"),
    [
        (["tls-unique", "tls-exporter"], "TLSv1.3", b"exported", True),
        (["tls-unique", "tls-exporter"], "TLSv1.2", b"exported", False),
        (["tls-unique", "tls-exporter"], "TLSv1.3", None, False),
        (["tls-unique"], "TLSv1.3", b"exported", False),
    ],
)
def test_tls_exporter_where_python_has_it(
    monkeypatch: pytest.MonkeyPatch, known: list[str], version: str, data: bytes | None, found: bool
) -> None:
    """RFC 9266: preferred, and for TLS 1.3 only. tls-unique never."""
    monkeypatch.setattr(ssl, "CHANNEL_BINDING_TYPES", known)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown = der(AUTHORITY.issue_cert("localhost"))
    note_certificate(context, shown)
    bindings = channel_bindings(Future(context, version, data))  # type: ignore[arg-type] # stands for one
    exported = (ChannelBinding("tls-exporter", b"exported"),) if found else ()
    assert bindings == (*exported, server_end_point(shown))


def test_a_context_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    """A reload makes new ones."""
    pem, _ = issued(tmp_path, "server.pem")
    before = len(tls._end_points)
    context = server_context(pem, pem)
    assert len(tls._end_points) == before + 1
    del context
    assert len(tls._end_points) == before
