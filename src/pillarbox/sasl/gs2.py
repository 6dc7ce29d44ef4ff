"""The GS2 header (RFC 5801, section 4), with which SCRAM and OAUTHBEARER begin.

It says whom the client wants to act for, and what it thinks of *channel binding*: putting a
fact about the TLS connection into the proof, so that nobody can sit between two connections
and pass the exchange on.
"""

from __future__ import annotations

from typing import NamedTuple

from pillarbox.sasl.mechanism import SaslError, encode


class ChannelBinding(NamedTuple):
    """A fact that both ends of one TLS connection know, and ends of two do not share."""

    kind: str
    """As registered with IANA: ``tls-exporter`` (RFC 9266), ``tls-server-end-point`` (RFC 5929)."""
    data: bytes


NOT_BOUND = b"n"
"""The client does not bind, and could not."""
WOULD_BIND = b"y"
"""The client could, and thinks that the server cannot. A server that can then knows that
somebody in between took its -PLUS mechanisms out of the list, and refuses."""


def bound(binding: ChannelBinding) -> bytes:
    """The flag of a client that binds."""
    return b"p=" + binding.kind.encode()


def header(flag: bytes, authorize_as: str) -> bytes:
    """The whole header, commas included.

    Raises:
        SaslError: the identity cannot be expressed.
    """
    return flag + b"," + (b"a=" + saslname(authorize_as) if authorize_as else b"") + b","


def saslname(name: str) -> bytes:
    """*name* with "," and "=" escaped (RFC 5801, section 4; RFC 5802, section 5.1).

    Raises:
        SaslError: it is empty or has NUL in it.
    """
    if not name or "\0" in name:
        raise SaslError("a name is needed, without NUL in it")
    return encode(name).replace(b"=", b"=3D").replace(b",", b"=2C")
