"""What proofs are made with: the users, the memory of earlier proofs, and the threads that hash."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeVar

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.addresses import Domains, Login
from pillarbox.auth.applicant import Applicant
from pillarbox.auth.cache import ProofCache
from pillarbox.auth.hash_line import HashLine
from pillarbox.auth.register import Found
from pillarbox.auth.users import User, Users
from pillarbox.contracts.auth import TokenChecker
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.model import Identity

SOURCE_PROOF_SECONDS = 300.0
"""How long a proof holds that only the source itself could give: it may not tell when the
password changes. One bind in five minutes a client is little; an hour with an old password is
much."""

P = ParamSpec("P")
T = TypeVar("T")


def _source_cache() -> ProofCache:
    return ProofCache(max_age=SOURCE_PROOF_SECONDS)


@dataclass(frozen=True)
class Means:
    """Everything that a proof needs; one for each process."""

    accounts: Accounts
    users: Users
    domains: Domains
    hashes: HashLine
    token_checker: TokenChecker | None = None
    cache: ProofCache = field(default_factory=ProofCache)
    source_cache: ProofCache = field(default_factory=_source_cache)
    no_secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """Stands in for a readable password where there is none."""

    async def user(self, login: Login | None) -> User | None:
        """Who that is as of now, if anybody. A name that can be nobody's is looked up all the same."""
        return await self.users.find("" if login is None else login.user)

    async def asked(self, login: Login | None, typed: str) -> tuple[Found, User | None]:
        """What there is of that user, with the device whose app password *typed* is; and who it is."""
        name = "" if login is None else login.user
        found = await self.accounts.register.who_by_password(name, typed)
        return found, await self.users.whoever(name, found)

    async def opened(self, login: Login) -> Identity:
        """What *login* opens once it is beyond doubt who that is: the account, or its device's view.

        Raises:
            CredentialsRefused: there is no such user or device, or the account is disabled.
        """
        found = await self.accounts.register.who_with_device(login.user, login.device)
        user = await self.users.whoever(login.user, found)
        if user is None or user.disabled:
            raise CredentialsRefused(why(user))
        if login.device is None:
            return Identity(user.name)
        if found.device is None:
            raise CredentialsRefused("no such device")
        return Identity(user.name, login.device)

    async def hashed(
        self, who: Applicant, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The result of *work*, which hashes, on a thread when it is *who*'s turn."""
        return await self.hashes.run(who.rank, who.network, partial(work, *args, **kwargs))


def why(user: User | None) -> str:
    """The reason of a refusal, for the operator's log only."""
    if user is None:
        return "unknown user"
    if user.disabled:
        return "the account is disabled"
    return "wrong password"
