"""TLS handshakes, whole and resumed: what a client that connects again saves the server."""

from __future__ import annotations

import socket
import ssl

from bench.office import RSA_NAME, Office
from bench.works import Figure, Meter

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def handshakes(
    office: Office, rounds: int, *, version: str, resumed: bool, rsa: bool = False
) -> Figure:
    """Connect, be greeted, hang up; *resumed*: with the session of the visit before."""
    name = RSA_NAME if rsa else "localhost"
    context = _context(office.tls, VERSIONS[version])
    session = _visit(office.pop3s, context, name, None)
    meter = Meter(office)
    for _ in range(rounds):
        session = _visit(office.pop3s, context, name, session if resumed else None)
    kind = "resumed" if resumed else f"whole, {'RSA 2048' if rsa else 'ECDSA P-256'}"
    return meter.per(f"TLS {version} handshake, {kind}", rounds)


def _context(trust: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for authority in trust.get_ca_certs(binary_form=True):
        context.load_verify_locations(cadata=authority)
    context.minimum_version = context.maximum_version = version
    return context


def _visit(
    port: int, context: ssl.SSLContext, name: str, session: ssl.SSLSession | None
) -> ssl.SSLSession | None:
    """The session to bring next time. (TLS 1.3 sends it behind the handshake.)"""
    plain = socket.create_connection(("127.0.0.1", port))
    with context.wrap_socket(plain, server_hostname=name, session=session) as client:
        if not client.recv(512).startswith(b"+OK"):
            raise AssertionError("not greeted")
        if client.session_reused is not (session is not None):
            raise AssertionError("resumed, or not, against expectation")
        return client.session
