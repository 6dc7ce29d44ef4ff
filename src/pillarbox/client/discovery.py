"""Which server has the mail of an address, and which takes mail from it: what is published, then guesses.

1. SRV records of the address's domain: ``_pop3s._tcp``, ``_pop3._tcp`` (RFC 6186); for sending
   ``_submissions._tcp`` (RFC 8314, section 5.1) and ``_submission._tcp``.
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
from typing import Any, NamedTuple
from urllib.parse import quote

from pillarbox.client.autoconfig import Kind, described_servers
from pillarbox.client.candidates import (
    Address,
    Candidate,
    Server,
    Source,
    mailbox_at,
    parse_address,
    ranked,
)
from pillarbox.client.endpoint import Security, default_port
from pillarbox.client.errors import Unreachable
from pillarbox.client.hosts import host_name
from pillarbox.client.srv import Srv, srv_records
from pillarbox.client.web import fetch_document

__all__ = ["Candidate", "Server", "Servers", "Source", "discover", "discover_both"]

Resolver = Callable[[str], Awaitable[Sequence[Srv]]]
"""From a name to its SRV records, empty for none; raises Unreachable when it cannot know."""

Fetcher = Callable[[str], Awaitable[bytes | None]]
"""From an https URL to the document there, or None. It must not go on over cleartext."""

_SERVICES = {
    Kind.POP3: {"_pop3s": Security.IMPLICIT_TLS, "_pop3": Security.STLS},
    Kind.SUBMISSION: {"_submissions": Security.IMPLICIT_TLS, "_submission": Security.STLS},
}
_OWN_DOCUMENTS = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
)
_COLLECTION = ("https://autoconfig.thunderbird.net/v1.1/{domain}",)
_OFTEN = {
    Kind.POP3: ("pop.{domain}", "pop3.{domain}", "mail.{domain}", "{domain}"),
    Kind.SUBMISSION: ("smtp.{domain}", "mail.{domain}", "{domain}"),
}
_SUBMISSION_PORTS = {Security.IMPLICIT_TLS: 465, Security.STLS: 587}  # RFC 8314; RFC 6409


class Servers(NamedTuple):
    """What there is for an address, each best first; either may be empty."""

    collect: list[Candidate]
    submit: list[Server]


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
    found = await _discover(address, (Kind.POP3,), resolver, fetcher)
    return [mailbox_at(server) for server in found[Kind.POP3]]


async def discover_both(
    address: str,
    *,
    resolver: Resolver | None = srv_records,
    fetcher: Fetcher | None = fetch_document,
) -> Servers:
    """Where the mail of *address* may be, and where it may be sent from. As :func:`discover`, and by the same
    rules; a document that describes both is fetched once.

    Raises:
        InvalidSetting: as there.
    """
    found = await _discover(address, tuple(Kind), resolver, fetcher)
    return Servers([mailbox_at(server) for server in found[Kind.POP3]], found[Kind.SUBMISSION])


async def _discover(
    address: str, kinds: Sequence[Kind], resolver: Resolver | None, fetcher: Fetcher | None
) -> dict[Kind, list[Server]]:
    """By kind, the servers of that kind."""
    who = parse_address(address)
    *recorded, document = await _together(
        *(_from_dns(who, kind, resolver) for kind in kinds), _document(who, _OWN_DOCUMENTS, fetcher)
    )
    found = {
        kind: [server for servers in records.values() for server in servers or ()]
        + _described(who, document, kind, Source.AUTOCONFIG)
        for kind, records in zip(kinds, recorded, strict=True)
    }
    doubtful = [kind for kind in kinds if all(server.confirm for server in found[kind])]
    if doubtful:
        document = await _document(who, _COLLECTION, fetcher)
        for kind in doubtful:
            found[kind] += _described(who, document, kind, Source.ISPDB)
    return {
        kind: _offered(ranked(found[kind] + _guesses(who, kind)), records)
        for kind, records in zip(kinds, recorded, strict=True)
    }


def _offered(servers: Sequence[Server], records: _Records) -> list[Server]:
    """Those whose kind of service is not decidedly missing."""
    return [server for server in servers if records[server.security] is not None]


async def _together(*steps: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results of *steps*, which run at the same time; the first error ends all."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


_Records = dict[Security, list[Server] | None]
"""By kind of service: what is recorded; None: it is decidedly not offered."""


async def _from_dns(who: Address, kind: Kind, resolver: Resolver | None) -> _Records:
    services = _SERVICES[kind]
    if resolver is None:
        return {security: [] for security in services.values()}
    asked = [_from_service(who, s, security, resolver) for s, security in services.items()]
    return dict(zip(services.values(), await _together(*asked), strict=True))


async def _from_service(
    who: Address, service: str, security: Security, resolver: Resolver
) -> list[Server] | None:
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


def _recorded(who: Address, record: Srv, security: Security) -> Server | None:
    try:
        host = host_name(record.target)
    except ValueError:
        return None
    outside = host != who.domain and not host.endswith(f".{who.domain}")
    # RFC 6186, section 4: the whole address first.
    return Server(host, record.port, security, who.whole, Source.SRV, confirm=outside)


async def _document(who: Address, urls: Sequence[str], fetcher: Fetcher | None) -> bytes | None:
    """The first document that can be had and understood."""
    if fetcher is None:
        return None
    address = quote(who.whole, safe="@")
    filled = [url.format(domain=who.domain, address=address) for url in urls]
    for document in await _together(*(_fetched(fetcher, url) for url in filled)):
        try:
            described_servers(document or b"", who.whole)
        except ValueError:
            continue  # many web servers have a page for everything that they do not have
        found: bytes = document
        return found
    return None


def _described(who: Address, document: bytes | None, kind: Kind, source: Source) -> list[Server]:
    if document is None:
        return []
    return [
        Server(*server[:4], source, oauth2=server.oauth2)
        for server in described_servers(document, who.whole, kind)
    ]


async def _fetched(fetcher: Fetcher, url: str) -> bytes | None:
    return await fetcher(url)


def _guesses(who: Address, kind: Kind) -> list[Server]:
    return [
        Server(
            name.format(domain=who.domain), _port(kind, security), security, who.whole, Source.GUESS
        )
        for security in _SERVICES[kind].values()
        for name in _OFTEN[kind]
    ]


def _port(kind: Kind, security: Security) -> int:
    return default_port(security) if kind is Kind.POP3 else _SUBMISSION_PORTS[security]
