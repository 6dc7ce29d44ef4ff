"""The token checker: what was found out lately, or else one of the two ways to find out."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Protocol

from pillarbox.auth.oauth.claims import Rules, Verdict
from pillarbox.auth.oauth.introspection import Introspection
from pillarbox.auth.oauth.jwt import JwtCheck
from pillarbox.auth.oauth.key_source import DiscoveredKeys, KeyFile, KeySource, KeyUrl
from pillarbox.auth.oauth.memory import Refusal, TokenMemory
from pillarbox.auth.oauth.settings import (
    INTROSPECTION_USER_CLAIM,
    JWT_USER_CLAIM,
    OAuthSettings,
)
from pillarbox.auth.oauth.web import Web
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.sasl.surroundings import TokenAdvice

MAX_TOKEN = 16 * 1024
"""Characters. Microsoft's have up to some 4,000; with hundreds of groups in them, more."""
SIGNED_SECONDS = 300.0
"""For which a good signature need not be checked again."""
ANSWER_SECONDS = 60.0
"""For which an issuer that said yes is not asked again: as long does a token count at most that
was taken back."""
REFUSAL_SECONDS = 10.0
"""For which an issuer that said no is not asked again: a client that tries at once, or often."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
"""b64token of RFC 6750, section 2.1."""


class Way(Protocol):
    """A way to find out what a token is."""

    async def check(self, token: str) -> Verdict:
        """Say whose *token* is.

        Raises:
            CredentialsRefused: it is not good.
            AuthUnavailable: that cannot be found out now.
        """

    async def begin(self) -> None:
        """Get at once what would be needed at the first token. What fails is in the log."""


class OAuthChecker:
    """Implements :class:`pillarbox.contracts.auth.TokenChecker`.

    It may be made before a fork: it opens nothing until it is used, in one event loop.

    Args:
        settings: what tokens are taken.
        web: the way to the issuer; None: made with the system's authorities.
        clock: seconds since 1970.
        steady_clock: seconds, of any beginning, never going back.
    """

    def __init__(
        self,
        settings: OAuthSettings,
        *,
        web: Web | None = None,
        clock: Callable[[], float] = time.time,
        steady_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._web = Web() if web is None else web
        self._advice = settings.advice
        asks = bool(settings.introspection)
        usual = INTROSPECTION_USER_CLAIM if asks else JWT_USER_CLAIM
        rules = Rules(
            settings.issuer,
            frozenset(settings.audience),
            frozenset(settings.scopes),
            settings.user_claim or usual,
        )
        self._beginning: asyncio.Task[None] | None = None
        self._way: Way
        if asks:
            self._way = Introspection(settings, rules, self._web, clock)
        else:
            keys = _keys(settings, self._web, steady_clock)
            self._way = JwtCheck(rules, keys, settings.algorithms, clock)
        self._memory = TokenMemory(
            good_seconds=ANSWER_SECONDS if asks else SIGNED_SECONDS,
            bad_seconds=REFUSAL_SECONDS if asks else 0,
            clock=steady_clock,
            wall_clock=clock,
        )

    @property
    def advice(self) -> TokenAdvice:
        """What a client is told whose token is refused."""
        return self._advice

    def begin(self) -> None:
        """Begin to get the keys, so that nobody has to wait for them later.

        And so that what is wrong with the issuer is in the log before the first user is.
        """
        self._beginning = asyncio.get_running_loop().create_task(self._way.begin())

    async def user_of(self, token: str) -> str:
        """The user whom *token* was issued to; see the contract."""
        if len(token) > MAX_TOKEN or not _TOKEN.fullmatch(token):
            raise CredentialsRefused("what was sent is no access token (RFC 6750, section 2.1)")
        match self._memory.look(token):
            case Verdict(user, _):
                return user
            case Refusal(why):
                raise CredentialsRefused(why)
        try:
            verdict = await self._way.check(token)
        except CredentialsRefused as refused:
            self._memory.remember(token, Refusal(str(refused)))
            raise
        self._memory.remember(token, verdict)
        return verdict.user

    async def close(self) -> None:
        """Close the connections to the issuer."""
        if self._beginning is not None:
            self._beginning.cancel()
        await self._web.close()


def _keys(settings: OAuthSettings, web: Web, clock: Callable[[], float]) -> KeySource:
    if settings.jwks_file is not None:
        return KeyFile(settings.jwks_file, clock)
    if settings.jwks_url:
        return KeyUrl(settings.jwks_url, web, clock)
    return DiscoveredKeys(settings.issuer, web, clock)
