"""Who is one peer: the one answer for everything that counts or trusts clients by address.

A peer is named by the text of its address (``192.0.2.7``, ``2001:db8::7``), or ``unix`` for a
socket in the file system. Three questions are asked of it:

* what is its name, from what the socket says? (:func:`peer_of`)
* whom does it count together with? (:func:`network_of`) An IPv4 address is one peer, also when
  it comes through an IPv6 socket (``::ffff:192.0.2.7``, RFC 4291, section 2.5.5.2). Of IPv6 it
  is the /64: a customer usually has all of one (RFC 6177), and 2**64 addresses are no limit.
* is it on this machine? (:func:`is_loopback`)

And of several, named together by an operator: is it one of them? (:class:`Networks`)
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

UNIX = "unix"
"""The peer behind a socket in the file system: somebody on this machine."""

KNOWN_PEERS = 4096
"""Answers remembered: a client that polls is not taken apart each time. Some 300 bytes each."""

_ODD_CHARACTERS = 64
"""Of a peer that is no address."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Range = ipaddress.IPv4Network | ipaddress.IPv6Network


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


_MAPPED_BITS = 96
"""Of ``::ffff:0:0/96``, where IPv4 lies in IPv6."""


class Network:
    """Peers that an operator names together: a network, one address, or ``unix``."""

    __slots__ = ("range",)

    def __init__(self, network: _Range | None) -> None:
        self.range = network
        """None: whoever comes by a socket in the file system."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.range == other.range

    def __hash__(self) -> int:
        return hash(self.range)

    @classmethod
    def parse(cls, text: str) -> Network:
        """``10.0.0.0/8``, ``2001:db8::/32``, ``192.0.2.7`` or ``unix``.

        >>> str(Network.parse("::ffff:192.0.2.0/120"))
        '192.0.2.0/24'

        Raises:
            ValueError: it is none; the message says what is wrong, and behind a semicolon what
                to write.
        """
        if text == UNIX:
            return cls(None)
        try:
            found = ipaddress.ip_network(text, strict=False)
        except ValueError:
            hint = 'write "10.0.0.0/8", "2001:db8::/32", one address, or "unix"'
            raise ValueError(f'"{text}" is not a network; {hint}') from None
        if ipaddress.ip_address(text.partition("/")[0]) != found.network_address:
            raise ValueError(f'"{text}" is an address within a network; did you mean "{found}"?')
        return cls(_unmapped(found))

    def __str__(self) -> str:
        if self.range is None:
            return UNIX
        one = self.range.prefixlen == self.range.max_prefixlen
        return str(self.range.network_address if one else self.range)

    @property
    def is_everybody(self) -> bool:
        """Whether it is all of IPv4 or all of IPv6."""
        return self.range is not None and self.range.prefixlen == 0

    def has(self, address: _Address | None) -> bool:
        """Whether *address* is in it; None: the peer has none, but came by a socket file."""
        if address is None or self.range is None:
            return address is None and self.range is None
        return address.version == self.range.version and address in self.range


def _unmapped(network: _Range) -> _Range:
    """The same, as IPv4 if it lies in IPv4's part of IPv6: that is how peers are named."""
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((int(mapped), network.prefixlen - _MAPPED_BITS))
    return network


class Networks:
    """Several networks: ``peer in networks`` asks by a peer's name.

    Answers are remembered, so that a peer that comes often costs one look into a dictionary.
    """

    __slots__ = ("_answers", "_members")

    def __init__(self, members: Iterable[Network] = ()) -> None:
        self._members = tuple(members)
        self._answers: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._members)

    def __contains__(self, peer: str) -> bool:
        answer = self._answers.get(peer)
        if answer is None:
            if len(self._answers) >= KNOWN_PEERS:
                self._answers.clear()
            answer = self._answers[peer] = self._find(peer)
        return answer

    def _find(self, peer: str) -> bool:
        address = _parsed(peer)
        if address is None and peer != UNIX:
            return False
        return any(network.has(address) for network in self._members)


class Visitors:
    """Who may come in: all that *allow* names (nobody named: everybody), but none of *deny*."""

    __slots__ = ("_allow", "_deny", "_everybody")

    def __init__(self, allow: Iterable[Network] = (), deny: Iterable[Network] = ()) -> None:
        self._allow = Networks(allow)
        self._deny = Networks(deny)
        self._everybody = not (self._allow or self._deny)

    def turns_away(self, peer: str) -> bool:
        """Whether *peer* may not come in."""
        if self._everybody:
            return False
        if peer in self._deny:
            return True
        return bool(self._allow) and peer not in self._allow
