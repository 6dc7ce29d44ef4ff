"""Short sessions: what a client that polls does."""

from __future__ import annotations

import ssl

from bench.client import Client
from bench.figures import Figure, Stopwatch
from bench.peers.contract import Peer
from bench.works.common import CannotDo, connect, named
from bench.works.mail import POLLED

_WARM = 12
"""Sessions of each user before it counts: every worker knows the password then (what a hash
costs is another work's question), and what is cached is cached."""
_LISTED = 52
"""Lines of a listing of 50 messages."""


def sessions(peer: Peer, rounds: int, *, tls: bool = False, resumed: bool = False) -> Figure:
    """USER, PASS, STAT, UIDL, LIST, QUIT on 50 messages; TLS: full handshake each time, or resumed."""
    users = [user for user in POLLED if user in peer.users]
    for user in users * _WARM:
        _session(connect(peer, tls=False), user)
    session = _ticket(peer) if resumed else None
    watch = Stopwatch(peer)
    for number in range(rounds):
        client = connect(peer, tls=tls, session=session)
        if client.resumed is not resumed:
            raise CannotDo("a TLS session is resumed now and then, or never")
        _session(client, users[number % len(users)])
        watch.lap()
    return watch.figure(
        named("session, 50 messages", tls=tls) + (" resumed" if resumed else ""), rounds
    )


def _session(client: Client, user: str) -> None:
    client.sign_in(user)
    client.command(b"STAT")
    for command in (b"UIDL", b"LIST"):
        if client.listing(command).count(b"\n") != _LISTED:
            raise AssertionError("not 50 messages")
    client.quit()


def _ticket(peer: Peer) -> ssl.SSLSession | None:
    client = connect(peer, tls=True)
    client.command(b"QUIT")  # TLS 1.3 sends tickets behind the handshake: they are read by now
    ticket = client.session
    client.socket.close()
    return ticket
