"""Servers for an address: what discovery finds, in pairs and in words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from pillarbox.app.reading.answering import without_silent_guesses
from pillarbox.client.discovery import Candidate, Servers, Source, discover_both
from pillarbox.client.errors import InvalidSetting
from pillarbox.reader.setting_up import Found
from pillarbox.reader.submission import submission_of

_WORDS = {
    Source.SRV: "the domain's DNS",
    Source.AUTOCONFIG: "your provider",
    Source.ISPDB: "Mozilla's list of providers",
    Source.GUESS: "a guess: servers are often called so, and one answers there",
}


async def find_servers(
    address: str, *, check: Callable[[Servers], Awaitable[Servers]] = without_silent_guesses
) -> Sequence[Found]:
    """Best first; guesses only where a server answers. So it is empty without a network.

    Args:
        address: ``alice@example.org``.
        check: leaves out what is not to be offered.

    Raises:
        InvalidSetting: *address* is none.
    """
    try:
        servers = await discover_both(address)
    except InvalidSetting:
        # Without dnspython the DNS cannot be asked for services; documents and guesses are left.
        servers = await discover_both(address, resolver=None)
    return in_pairs(await check(servers))


def in_pairs(servers: Servers) -> list[Found]:
    """Each server for collecting, with the best one for sending that the same source knows."""
    return [_with_submission(candidate, servers) for candidate in servers.collect]


def _with_submission(candidate: Candidate, servers: Servers) -> Found:
    same = [server for server in servers.submit if server.source is candidate.source]
    best = next(iter(same or servers.submit), None)
    return Found(
        candidate.endpoint,
        submission_of(best) if best else None,
        _WORDS[candidate.source],
        confirm=candidate.confirm or (best is not None and best.confirm),
        oauth=candidate.oauth2,
    )
