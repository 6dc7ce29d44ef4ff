"""Which server has the mail of an address: what the provider has published, then guesses.

1. SRV records of the address's domain (RFC 6186): ``_pop3s._tcp``, ``_pop3._tcp``.
2. The provider's document at ``autoconfig.DOMAIN``, else at ``DOMAIN/.well-known``
   (draft-ietf-mailmaint-autoconfig).
3. If these say nothing that can be trusted: the same kind of document in Mozilla's collection
   (which learns the domain of the address then, and nothing else).
4. Names that servers often have.

Nothing found here lowers security. A server without TLS is never a candidate, whoever describes
it; documents come over HTTPS or not at all. The DNS is not signed for most, so a record that
points out of the domain is marked: the user has to be asked before the password goes there
(RFC 6186, section 6; RFC 8314, section 5.1), unless a document says the same.

For setting an account up, not for each connection (RFC 8314, section 5.1). Every step can be
replaced by a function of the caller's, or left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import quote

from pillarbox.client.autoconfig import described_servers
from pillarbox.client.endpoint import Endpoint, Security, default_port
from pillarbox.client.errors import InvalidSetting, Unreachable, quoted
from pillarbox.client.hosts import host_name, is_address
from pillarbox.client.srv import Srv, srv_records
from pillarbox.client.web import fetch_document

Resolver = Callable[[str], Awaitable[Sequence[Srv]]]
"""From a name to its SRV records, empty for none; raises Unreachable when it cannot know."""

Fetcher = Callable[[str], Awaitable[bytes | None]]
"""From an https URL to the document there, or None. It must not go on over cleartext."""

_SERVICES = {"_pop3s": Security.IMPLICIT_TLS, "_pop3": Security.STLS}
_OWN_DOCUMENTS = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
)
_COLLECTION = ("https://autoconfig.thunderbird.net/v1.1/{domain}",)
_OFTEN = ("pop.{domain}", "pop3.{domain}", "mail.{domain}", "{domain}")


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


class _Address(NamedTuple):
    whole: str
    domain: str
    """In A-labels."""


async def discover(
    address: str,
    *,
    resolver: Resolver | None = srv_records,
    fetcher: Fetcher | None = fetch_document,
) -> list[Candidate]:
    """Where the mail of *address* may be, best first; what is published goes before guesses.

    What the domain's DNS says is not offered (RFC 6186, section 3.4) is no candidate at all;
    so the list can be empty.

    Args:
        address: ``alice@example.org``.
        resolver: looks SRV records up; None leaves the DNS out.
        fetcher: gets documents; None leaves the web out.

    Raises:
        InvalidSetting: *address* is none; or the resolver is the default, and dnspython is not
            installed.
    """
    who = _parse(address)
    recorded, described = await _together(
        _from_dns(who, resolver), _from_documents(who, _OWN_DOCUMENTS, Source.AUTOCONFIG, fetcher)
    )
    found = [c for candidates in recorded.values() for c in candidates or ()] + described
    if all(candidate.confirm for candidate in found):
        found += await _from_documents(who, _COLLECTION, Source.ISPDB, fetcher)
    offered = [security for security, candidates in recorded.items() if candidates is not None]
    return [c for c in _ranked(found + _guesses(who)) if c.endpoint.security in offered]


def _parse(address: str) -> _Address:
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
    return _Address(whole, name)


async def _together(*steps: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results of *steps*, which run at the same time; the first error ends all."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _from_dns(
    who: _Address, resolver: Resolver | None
) -> dict[Security, list[Candidate] | None]:
    """By kind of service: what is recorded; None: it is decidedly not offered."""
    if resolver is None:
        return {security: [] for security in _SERVICES.values()}
    asked = [_from_service(who, s, security, resolver) for s, security in _SERVICES.items()]
    return dict(zip(_SERVICES.values(), await _together(*asked), strict=True))


async def _from_service(
    who: _Address, service: str, security: Security, resolver: Resolver
) -> list[Candidate] | None:
    try:
        records = await resolver(f"{service}._tcp.{who.domain}")
    except Unreachable:
        return []  # no answer is no news; the other steps may know
    if records and all(record.target == "." for record in records):
        return None
    # Not drawn by weight as RFC 2782 wants it for each connection: this is a list to choose from.
    ordered = sorted(records, key=lambda record: (record.priority, -record.weight))
    candidates = (_recorded(who, record, security) for record in ordered)
    return [candidate for candidate in candidates if candidate is not None]


def _recorded(who: _Address, record: Srv, security: Security) -> Candidate | None:
    try:
        host = host_name(record.target)
    except ValueError:
        return None
    outside = host != who.domain and not host.endswith(f".{who.domain}")
    # RFC 6186, section 4: the whole address first.
    endpoint = Endpoint(host, record.port, security, who.whole)
    return Candidate(endpoint, Source.SRV, confirm=outside)


async def _from_documents(
    who: _Address, urls: Sequence[str], source: Source, fetcher: Fetcher | None
) -> list[Candidate]:
    """What the first document says that can be had and understood."""
    if fetcher is None:
        return []
    address = quote(who.whole, safe="@")
    filled = [url.format(domain=who.domain, address=address) for url in urls]
    for document in await _together(*(_fetched(fetcher, url) for url in filled)):
        try:
            servers = described_servers(document or b"", who.whole)
        except ValueError:
            continue  # many web servers have a page for everything that they do not have
        return [
            Candidate(Endpoint(*server[:4]), source, oauth2=server.oauth2) for server in servers
        ]
    return []


async def _fetched(fetcher: Fetcher, url: str) -> bytes | None:
    return await fetcher(url)


def _guesses(who: _Address) -> list[Candidate]:
    return [
        Candidate(
            Endpoint(name.format(domain=who.domain), default_port(security), security, who.whole),
            Source.GUESS,
        )
        for security in _SERVICES.values()
        for name in _OFTEN
    ]


def _ranked(found: Sequence[Candidate]) -> list[Candidate]:
    """Each server once, best first.

    Guesses last; before them what has to be confirmed; TLS from the start goes before STLS
    (RFC 8314, section 3).
    """
    known: dict[tuple[object, ...], Candidate] = {}
    for candidate in found:
        key = candidate.endpoint[:3]
        # A document knows the name to sign in with, and comes over a road that can be trusted.
        documented = candidate.source in {Source.AUTOCONFIG, Source.ISPDB}
        if key not in known or (documented and known[key].source is Source.SRV):
            known[key] = candidate
    return sorted(known.values(), key=_rank)


def _rank(candidate: Candidate) -> tuple[bool, bool, bool]:
    stls = candidate.endpoint.security is Security.STLS
    return candidate.source is Source.GUESS, candidate.confirm, stls
