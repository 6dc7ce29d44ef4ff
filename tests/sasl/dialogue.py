"""Both ends of an exchange, the client's machine and the server's, with accounts in between."""

from __future__ import annotations

from typing import NamedTuple

from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.model import Identity
from pillarbox.sasl.mechanism import (
    Challenge,
    ClientMechanism,
    ExchangeRefused,
    Finished,
    KeysWanted,
    ServerMechanism,
)
from tests.world import Accounts


class Outcome(NamedTuple):
    """What came of it."""

    identity: Identity | None
    """Who has signed in, to the server's mind."""
    last_word: bytes = b""
    """What the server has said behind its verdict."""


async def converse(
    client: ClientMechanism, server: ServerMechanism, accounts: Accounts, *, initial: bool = True
) -> Outcome:
    """Both ends to the end, with or without an initial response."""
    response = client.step(None) if initial and client.client_first else None
    while True:
        try:
            step = server.step(response)
        except ExchangeRefused as refused:
            client.step(refused.last_word)
            return Outcome(None, refused.last_word)
        if isinstance(step, KeysWanted):
            step = server.go_on(await accounts.scram_keys(step.name, step.hash_name))
        if not isinstance(step, Challenge):
            break
        response = client.step(step.data)
    assert not isinstance(step, Finished), "nothing has been checked"
    try:
        identity = await accounts.check(step, "192.0.2.7")
    except CredentialsRefused:
        last = server.refused()
        if last is not None:
            client.step(last.data)
        return Outcome(None, last.data if last else b"")
    last = server.accepted()
    if last is None:
        return Outcome(identity)
    assert server.step(client.step(last.data)) == Finished()
    return Outcome(identity, last.data)
