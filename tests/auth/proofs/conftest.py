"""A post office's door with one of everybody: alice with two devices, bob who is disabled, carol
who is to use app passwords only.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.throttle import Throttle
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.model import Identity
from pillarbox.sasl.claims import Claim, PasswordClaim
from tests.auth.places import promptly

PEER = "192.0.2.7"
DOMAINS = ["example.org"]


class Printed(NamedTuple):
    """The app passwords, as printed."""

    phone: str
    laptop: str
    bobs: str
    carols: str


@pytest.fixture
def printed(accounts: Accounts) -> Printed:
    for name in ("alice", "bob", "carol"):
        accounts.add(name, "secret", apop=True)
    printed = Printed(
        accounts.add_device("alice", "phone").printed,
        accounts.add_device("alice", "laptop").printed,
        accounts.add_device("bob", "phone").printed,
        accounts.add_device("carol", "phone").printed,
    )
    accounts.disable("bob")
    accounts.require_app_passwords("carol")
    return printed


@pytest.fixture
async def door(
    accounts: Accounts, printed: Printed, throttle: Throttle
) -> AsyncIterator[LocalAuthenticator]:
    door = LocalAuthenticator(accounts, domains=DOMAINS, throttle=throttle)
    yield door
    door.close()


def says(name: str, password: str) -> PasswordClaim:
    return PasswordClaim(name, password)


async def opened(door: LocalAuthenticator, claim: Claim, peer: str = PEER) -> Identity:
    return await door.check(claim, peer)


async def known(door: LocalAuthenticator, claim: Claim, peer: str = PEER) -> Identity:
    """What it opens at once, but for a question to a database."""
    return await promptly(door._accounts, door.check(claim, peer))


async def refused(door: LocalAuthenticator, claim: Claim, peer: str = PEER) -> str:
    """The reason."""
    with pytest.raises(CredentialsRefused) as caught:
        await door.check(claim, peer)
    return str(caught.value)
