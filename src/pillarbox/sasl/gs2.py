"""The GS2 header (RFC 5801, section 4), with which SCRAM and OAUTHBEARER begin.

It says whom the client wants to act for, and what it thinks of *channel binding*: putting a
fact about the TLS connection into the proof, so that nobody can sit between two connections
and pass the exchange on.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.mechanism import SaslError, decode, encode

NOT_BOUND = b"n"
"""The client does not bind, and could not."""
WOULD_BIND = b"y"
"""The client could, and thinks that the server cannot. A server that can then knows that
somebody in between took its -PLUS mechanisms out of the list, and refuses."""

_HEADER = re.compile(rb"(?P<flag>[ny]|p=(?P<kind>[A-Za-z0-9.-]+)),(?:a=(?P<who>[^\0,]+))?,")
_SASLNAME = re.compile(rb"(?:[^\0,=]|=2C|=3D)+")


class Header(NamedTuple):
    """What a client's header says."""

    octets: bytes
    """As it came."""
    flag: bytes
    """``n``, ``y``, or ``p=`` with the kind of the binding."""
    kind: str
    """The kind of binding that the client uses; empty if it does not bind."""
    authorize_as: str
    """Whom it wants to act for; empty: itself."""


def read_header(message: bytes) -> Header:
    """Understand the header at the beginning of *message*.

    Raises:
        SaslError: there is none. (``F,``, which SASL never sends, is refused, too.)
    """
    found = _HEADER.match(message)
    if found is None:
        raise SaslError("the message does not begin with a GS2 header")
    who = read_saslname(found["who"]) if found["who"] is not None else ""
    kind = (found["kind"] or b"").decode()
    return Header(found[0], found["flag"], kind, who)


def read_saslname(octets: bytes) -> str:
    """A name without its escapes; the reverse of :func:`saslname`.

    Raises:
        SaslError: it is empty, or has a "," or "=" that is not escaped (RFC 5802, section 5.1).
    """
    if not _SASLNAME.fullmatch(octets):
        raise SaslError("the name in the message is not escaped as it has to be")
    return decode(octets.replace(b"=2C", b",").replace(b"=3D", b"="))


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
