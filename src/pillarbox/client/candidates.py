"""What discovery finds: servers that may be those of an address, and which of them is the best."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.client.errors import InvalidSetting, quoted
from pillarbox.client.hosts import host_name, is_address


class Source(StrEnum):
    """Who says that a server has the mail."""

    SRV = "srv"
    """The DNS of the domain."""
    AUTOCONFIG = "autoconfig"
    """The provider, on its web server."""
    ISPDB = "ispdb"
    """Mozilla's collection."""
    GUESS = "guess"
    """Nobody: servers are often called so."""


class Candidate(NamedTuple):
    """A mailbox that may be the one."""

    endpoint: Endpoint
    """Always with TLS."""
    source: Source
    confirm: bool = False
    """The DNS alone points to a server outside the domain: ask the user before connecting."""
    oauth2: bool = False
    """OAuth 2 is said to be among the ways to sign in."""


class Server(NamedTuple):
    """A server that may be the one to which the address's mail is given to be sent."""

    host: str
    """In its one spelling (:mod:`pillarbox.client.hosts`)."""
    port: int
    security: Security
    """TLS from the start, or STARTTLS; never none."""
    user: str
    source: Source
    confirm: bool = False
    """The DNS alone points to a server outside the domain: ask the user before connecting."""
    oauth2: bool = False
    """OAuth 2 is said to be among the ways to sign in."""


class Address(NamedTuple):
    """Of mail."""

    whole: str
    domain: str
    """In A-labels."""


def parse_address(address: str) -> Address:
    """Raises InvalidSetting: it is none."""
    whole = address.strip()
    local, _, domain = whole.rpartition("@")
    try:
        name = host_name(domain)
    except ValueError:
        name = ""
    if not local or not local.isprintable() or not name or is_address(name):
        raise InvalidSetting(
            f"{quoted(address)} is not a mail address; one looks like alice@example.org"
        )
    return Address(whole, name)


def mailbox_at(found: Server) -> Candidate:
    """As a mailbox, for one that has mail."""
    endpoint = Endpoint(found.host, found.port, found.security, found.user)
    return Candidate(endpoint, found.source, found.confirm, found.oauth2)


def ranked(found: Sequence[Server]) -> list[Server]:
    """Each server once, best first.

    Guesses last; before them what has to be confirmed; TLS from the start goes before STLS
    (RFC 8314, section 3).
    """
    known: dict[tuple[object, ...], Server] = {}
    for candidate in found:
        key = candidate[:3]
        # A document knows the name to sign in with, and comes over a road that can be trusted.
        documented = candidate.source in {Source.AUTOCONFIG, Source.ISPDB}
        if key not in known or (documented and known[key].source is Source.SRV):
            known[key] = candidate
    return sorted(known.values(), key=_rank)


def _rank(candidate: Server) -> tuple[bool, bool, bool]:
    stls = candidate.security is Security.STLS
    return candidate.source is Source.GUESS, candidate.confirm, stls
