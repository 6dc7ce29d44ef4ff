"""Who is one peer: the one answer for everything that counts or trusts clients by address.

A peer is named by the text of its address (``192.0.2.7``, ``2001:db8::7``), or ``unix`` for a
socket in the file system. Three questions are asked of it:

* what is its name, from what the socket says? (:func:`peer_of`)
* whom does it count together with? (:func:`network_of`) An IPv4 address is one peer, also when
  it comes through an IPv6 socket (``::ffff:192.0.2.7``, RFC 4291, section 2.5.5.2). Of IPv6 it
  is the /64: a customer usually has all of one (RFC 6177), and 2**64 addresses are no limit.
* is it on this machine? (:func:`is_loopback`)
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

UNIX = "unix"
"""The peer behind a socket in the file system: somebody on this machine."""

KNOWN_PEERS = 4096
"""Answers remembered: a client that polls is not taken apart each time. Some 300 bytes each."""

_ODD_CHARACTERS = 64
"""Of a peer that is no address."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def peer_of(peername: object) -> str:
    """The peer's name, from the ``peername`` of a transport; ``unix`` when it has no address."""
    return _name_of(str(peername[0])) if isinstance(peername, tuple) else UNIX


@lru_cache(maxsize=KNOWN_PEERS)
def _name_of(text: str) -> str:
    address = _parsed(text)
    return UNIX if address is None else str(address)


@lru_cache(maxsize=KNOWN_PEERS)
def network_of(peer: str) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 network of 64 bits.

    >>> network_of("2001:db8::7")
    '2001:db8::/64'
    >>> network_of("::ffff:192.0.2.7")
    '192.0.2.7'

    What is no address stands for itself, cut to 64 characters.
    """
    address = _parsed(peer)
    if address is None:
        return peer[:_ODD_CHARACTERS]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))


@lru_cache(maxsize=KNOWN_PEERS)
def is_loopback(peer: str) -> bool:
    """Whether a peer is on this machine (a Unix socket's always is)."""
    if peer == UNIX:
        return True
    address = _parsed(peer)
    return address is not None and address.is_loopback


def _parsed(text: str) -> _Address | None:
    """The address, a mapped one as IPv4, without the zone of a link-local one."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address
    return address
