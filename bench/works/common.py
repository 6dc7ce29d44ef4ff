"""What works have in common."""

from __future__ import annotations

import ssl
import time

from bench.client import Client
from bench.peers.contract import Peer

FAILURES = (AssertionError, OSError)
"""A server has said something wrong, too little, or nothing."""
_SETTLES = 60.0
_MOMENT = 0.2
_AT_REST = 0.05
"""Of a core: what a server takes that has nothing to do, with something to spare."""


class CannotDo(Exception):
    """This server does not do this work; the text says what it did instead."""


def begin(peer: Peer, *, tls: bool, session: ssl.SSLSession | None = None) -> Client:
    """A client that is connected but not yet met."""
    if not tls:
        return Client(peer.pop3)
    assert peer.pop3s is not None
    return Client(peer.pop3s, peer.tls, session)


def connect(peer: Peer, *, tls: bool, session: ssl.SSLSession | None = None) -> Client:
    """A client that has been greeted."""
    return begin(peer, tls=tls, session=session).meet()


def sign_in(peer: Peer, user: str, *, tls: bool = False) -> Client:
    client = connect(peer, tls=tls)
    client.sign_in(user)
    return client


def settle(peer: Peer) -> None:
    """Wait until the server has done what sessions leave to be done when they end: it is not to
    be found in the next work's figure.
    """
    until = time.monotonic() + _SETTLES
    before, now = -1.0, peer.account.cpu_seconds()
    while now - before > _AT_REST * _MOMENT and time.monotonic() < until:
        time.sleep(_MOMENT)
        before, now = now, peer.account.cpu_seconds()


def named(text: str, *, tls: bool) -> str:
    return f"{text}, {'TLS' if tls else 'clear'}"
