"""TLS servers on loopback, and certificates with every fault."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import socketserver
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pillarbox.client.tls import TlsSettings, looking_context

DAY = timedelta(days=1)


def server_side(leaf: trustme.LeafCert, wants: trustme.CA | None = None) -> ssl.SSLContext:
    """A context that serves *leaf*, and wants a client's certificate from *wants*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["pop3"])
    leaf.configure_cert(context)
    if wants is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        wants.configure_trust(context)
    return context


class _Greeter(socketserver.BaseRequestHandler):
    """Greets and hangs up. (Blocking, since asyncio's servers keep alerts to themselves.)"""

    server: Server

    def handle(self) -> None:
        connection: socket.socket = self.request
        with contextlib.suppress(OSError):  # what the client thinks of it is what is tested
            if self.server.tls is not None:
                connection = self.server.tls.wrap_socket(connection, server_side=True)
            connection.sendall(self.server.greeting)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1024):
                pass
        connection.close()


class Server(socketserver.ThreadingTCPServer):
    """A server of one greeting."""

    def __init__(self, tls: ssl.SSLContext | None, greeting: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Greeter)
        self.tls = tls
        self.greeting = greeting


@contextlib.asynccontextmanager
async def serving(tls: ssl.SSLContext | None, greeting: bytes = b"+OK\r\n") -> AsyncIterator[int]:
    """A server that greets and hangs up; the port."""
    server = Server(tls, greeting)
    serve = asyncio.create_task(asyncio.to_thread(server.serve_forever, 0.01))
    try:
        yield server.server_address[1]
    finally:
        # In threads: they wait until the client, whose loop this is, has hung up.
        await asyncio.to_thread(server.shutdown)
        await serve
        await asyncio.to_thread(server.server_close)


async def connect(context: ssl.SSLContext, port: int, name: str) -> ssl.SSLObject:
    """Shake hands, read to the end, hang up."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=name
    )
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    try:
        await reader.read()
    finally:
        writer.transport.abort()
    return tls


async def shake_hands(settings: TlsSettings, port: int, name: str = "localhost") -> ssl.SSLObject:
    """What a client does: the handshake, then the pin."""
    tls = await connect(settings.context(), port, name)
    settings.check_pin(tls.getpeercert(binary_form=True))
    return tls


async def look(port: int) -> bytes:
    """The certificate of the server, whatever it is."""
    der = (await connect(looking_context(), port, "localhost")).getpeercert(binary_form=True)
    assert der is not None
    return der


def der_of(leaf: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


def write_pem(file: Path, *blobs: trustme.Blob) -> Path:
    file.write_bytes(b"".join(blob.bytes() for blob in blobs))
    return file


def expired_authority() -> tuple[bytes, bytes]:
    """An authority that has expired, and a good certificate (with its key) that it issued."""
    now = datetime.now(UTC)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An old authority")])
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])

    def issue(
        name: x509.Name, public: ec.EllipticCurvePublicKey, end: datetime, more: x509.ExtensionType
    ) -> bytes:
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(root_name)
        builder = builder.public_key(public).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - 9 * DAY).not_valid_after(end)
        certificate = builder.add_extension(more, critical=True).sign(root_key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)

    root = issue(root_name, root_key.public_key(), now - DAY, constraints)
    leaf = issue(x509.Name([]), key.public_key(), now + DAY, names)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return root, leaf + pem
