"""TLS handshakes, whole and resumed: what a client that connects again saves the server."""

from __future__ import annotations

import socket
import ssl

from bench.figures import Figure, Stopwatch
from bench.peers.contract import Peer
from bench.works.common import CannotDo

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def handshakes(peer: Peer, rounds: int, *, version: str, resumed: bool) -> Figure:
    """Connect, be greeted, hang up; *resumed*: with the session of the visit before."""
    assert peer.pop3s is not None
    context = _context(peer.tls, VERSIONS[version])
    session = _visit(peer.pop3s, context, None)
    watch = Stopwatch(peer)
    for _ in range(rounds):
        session = _visit(peer.pop3s, context, session if resumed else None)
        watch.lap()
    kind = "resumed" if resumed else "whole"
    return watch.figure(f"TLS {version} handshake, {kind} (P-256)", rounds)


def _context(trust: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for authority in trust.get_ca_certs(binary_form=True):
        context.load_verify_locations(cadata=authority)
    context.minimum_version = context.maximum_version = version
    return context


def _visit(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> ssl.SSLSession | None:
    """The session to bring next time. (TLS 1.3 sends it behind the handshake.)"""
    plain = socket.create_connection(("127.0.0.1", port))
    with context.wrap_socket(plain, server_hostname="localhost", session=session) as client:
        if not client.recv(512).startswith(b"+OK"):
            raise AssertionError("not greeted")
        if client.session_reused is not (session is not None):
            raise CannotDo("a TLS session is resumed now and then, or never")
        return client.session
