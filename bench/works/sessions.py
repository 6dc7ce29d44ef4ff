"""Short sessions: what a client that polls does."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence

from bench.figures import Figure, Stopwatch
from bench.peers.contract import Peer
from bench.works.common import CannotDo, connect, named, sign_in
from bench.works.lockstep import WIDTH, open_lockstep
from bench.works.mail import POLLED

_WARM = 12
"""Sessions of each user before it counts: every worker knows the password then (what a hash
costs is another work's question), and what is cached is cached."""
_LISTED = 52
"""Lines of a listing of 50 messages."""
_LISTINGS = (b"UIDL", b"LIST")


def sessions(peer: Peer, rounds: int, *, tls: bool = False, resumed: bool = False) -> Figure:
    """USER, PASS, STAT, UIDL, LIST, QUIT on 50 messages; TLS: full handshake each time, or resumed."""
    expected = {command: _listings(peer, command) for command in _LISTINGS}
    if not peer.visited.issuperset(POLLED):
        peer.visited.update(POLLED)
        for _ in range(_WARM):
            _sessions(peer, expected, tls=False)
    session = _ticket(peer) if resumed else None
    passes = -(-rounds // WIDTH)
    watch = Stopwatch(peer)
    for _ in range(passes):
        _sessions(peer, expected, tls=tls, session=session)
        watch.lap(WIDTH)
    return watch.figure(
        named("session, 50 messages", tls=tls) + (" resumed" if resumed else ""), passes * WIDTH
    )


def _listings(peer: Peer, command: bytes) -> list[bytes]:
    """What each user will be told, as it was told to one who came alone."""
    replies = []
    for user in POLLED:
        client = sign_in(peer, user)
        replies.append(client.listing(command))
        client.quit()
        if replies[-1].count(b"\n") != _LISTED:
            raise AssertionError("not 50 messages")
    return replies


def _sessions(
    peer: Peer,
    expected: Mapping[bytes, Sequence[bytes]],
    *,
    tls: bool,
    session: ssl.SSLSession | None = None,
) -> None:
    """One of each user, in lockstep."""
    with open_lockstep(peer, WIDTH, tls=tls, session=session) as together:
        if any(client.resumed is not bool(session) for client in together.clients):
            raise CannotDo("a TLS session is resumed now and then, or never")
        together.sign_in(POLLED)
        together.lines(b"STAT")
        for command, replies in expected.items():
            together.exactly(command + b"\r\n", replies)
        together.lines(b"QUIT")


def _ticket(peer: Peer) -> ssl.SSLSession | None:
    client = connect(peer, tls=True)
    client.command(b"QUIT")  # TLS 1.3 sends tickets behind the handshake: they are read by now
    ticket = client.session
    client.socket.close()
    return ticket
