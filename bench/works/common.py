"""What works have in common."""

from __future__ import annotations

import ssl

from bench.client import Client
from bench.peers.contract import Peer


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


def named(text: str, *, tls: bool) -> str:
    return f"{text}, {'TLS' if tls else 'clear'}"
