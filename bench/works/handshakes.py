"""TLS handshakes, whole and resumed: what a client that connects again saves the server."""

from __future__ import annotations

import ssl
from dataclasses import replace

from bench.figures import Figure, Stopwatch
from bench.peers.contract import Peer
from bench.works.common import CannotDo
from bench.works.lockstep import WIDTH, open_lockstep

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def handshakes(peer: Peer, rounds: int, *, version: str, resumed: bool) -> Figure:
    """Connect, be greeted, hang up, in lockstep; *resumed*: with a session of the visit before."""
    strict = replace(peer, tls=_context(peer.tls, VERSIONS[version]))
    session = _visit(strict, 1, None)
    passes = -(-rounds // WIDTH)
    watch = Stopwatch(peer)
    for _ in range(passes):
        session = _visit(strict, WIDTH, session if resumed else None)
        watch.lap(WIDTH)
    kind = "resumed" if resumed else "whole"
    return watch.figure(f"TLS {version} handshake, {kind} (P-256)", passes * WIDTH)


def _context(trust: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for authority in trust.get_ca_certs(binary_form=True):
        context.load_verify_locations(cadata=authority)
    context.minimum_version = context.maximum_version = version
    return context


def _visit(peer: Peer, clients: int, session: ssl.SSLSession | None) -> ssl.SSLSession | None:
    """The session to bring next time. (TLS 1.3 sends it behind the handshake.)"""
    with open_lockstep(peer, clients, tls=True, session=session) as together:
        if any(client.resumed is not bool(session) for client in together.clients):
            raise CannotDo("a TLS session is resumed now and then, or never")
        return together.clients[0].session
