"""Whether somebody is there: names that servers often have are offered only where one answers.

Nothing is said to a server but what leads to its certificate or its greeting; no name of a user, and no password.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pillarbox.client.discovery import Server, Servers, Source
from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.client.looking import look_at_certificate

PATIENCE = 5.0
"""Seconds in which a server has to answer: somebody waits, and all are asked at once."""
_GREETING = b"220"  # RFC 5321, section 4.2

Answers = Callable[[Server], Awaitable[bool]]
"""Whether the server answers as one of its kind."""


async def collects(server: Server) -> bool:
    """Whether mail may be had there: it shows a certificate."""
    endpoint = Endpoint(server.host, server.port, server.security, server.user)
    return await _in_time(_shows_certificate(endpoint))


async def submits(server: Server) -> bool:
    """Whether mail may be handed over there."""
    if server.security is Security.IMPLICIT_TLS:
        return await collects(server)
    return await _in_time(_greets(server.host, server.port))


async def without_silent_guesses(
    servers: Servers, collecting: Answers = collects, submitting: Answers = submits
) -> Servers:
    """*servers*, without the guesses that nobody answers to. Where something is published and needs no confirmation,
    no guess is wanted, and none is asked.
    """
    mailboxes = {
        candidate: Server(*candidate.endpoint[:4], candidate.source, candidate.confirm)
        for candidate in servers.collect
    }
    collect, submit = await asyncio.gather(
        _that_count([*mailboxes.values()], collecting), _that_count(servers.submit, submitting)
    )
    there = set(collect)
    return Servers([each for each, server in mailboxes.items() if server in there], submit)


async def _that_count(servers: Sequence[Server], answers: Answers) -> list[Server]:
    published = [server for server in servers if server.source is not Source.GUESS]
    if any(not server.confirm for server in published):
        return published
    guesses = [server for server in servers if server.source is Source.GUESS]
    answered = await asyncio.gather(*map(answers, guesses))
    return published + [guess for guess, there in zip(guesses, answered, strict=True) if there]


async def _shows_certificate(endpoint: Endpoint) -> bool:
    return await look_at_certificate(endpoint, None) is not None


async def _greets(host: str, port: int) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        return (await reader.readexactly(len(_GREETING))) == _GREETING
    finally:
        writer.close()


async def _in_time(asked: Awaitable[bool]) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            return await asked
    except (OSError, EOFError):  # TimeoutError, too: nobody is there, or that cannot be known
        return False
