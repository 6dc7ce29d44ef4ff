"""Asking the issuer what a token means (RFC 7662)."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote_plus

from pillarbox.auth.oauth.claims import Rules, Verdict, judge_answer
from pillarbox.auth.oauth.settings import OAuthSettings
from pillarbox.auth.oauth.web import Answer, Web
from pillarbox.contracts.errors import AuthUnavailable

PARALLEL = 16
"""Questions at once, of one process: an issuer is somebody's sign-in page, too."""
MAX_WAITING = 500
"""Questions in line. Beyond, "try later" is a better answer than a client's time-out."""

_UNAUTHORIZED = {401, 403}


class Introspection:
    """Checks tokens by asking.

    Args:
        settings: where, and as whom.
        rules: what the answer must say.
        web: the way there.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        settings: OAuthSettings,
        rules: Rules,
        web: Web,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = settings.introspection
        self._authorizations = authorizations(settings.client_id, settings.client_secret)
        self._rules = rules
        self._web = web
        self._clock = clock
        self._places = asyncio.Semaphore(PARALLEL)
        self._waiting = 0

    async def check(self, token: str) -> Verdict:
        """Say whose *token* is.

        Raises:
            CredentialsRefused: it is not good.
            AuthUnavailable: the issuer does not say.
        """
        if self._waiting >= MAX_WAITING:
            raise AuthUnavailable(f"{MAX_WAITING} tokens wait for their issuer already")
        self._waiting += 1
        try:
            async with self._places:
                answer = await self._ask(token)
        finally:
            self._waiting -= 1
        if answer.status in _UNAUTHORIZED:
            raise AuthUnavailable(
                f"{self._url} does not let this server ask (HTTP status {answer.status}): "
                "check auth.oauth.client_id and the secret"
            )
        return judge_answer(answer.object(), self._rules, self._clock())

    async def begin(self) -> None:
        """Nothing: there is no question without a token."""

    async def _ask(self, token: str) -> Answer:
        """The answer; in the second way of writing the secret if the first is not understood."""
        form = {"token": token, "token_type_hint": "access_token"}
        first, *other = self._authorizations
        answer = await self._web.post(self._url, form, first)
        if answer.status in _UNAUTHORIZED and other:
            answer = await self._web.post(self._url, form, other[0])
            if answer.status not in _UNAUTHORIZED:
                self._authorizations = tuple(other)
        return answer


def authorizations(client_id: str, secret: str) -> tuple[str, ...]:
    """The header Authorization: Basic for a client, else Bearer.

    Two for a secret that is not the same in a form (RFC 6749, section 2.3.1, wants it encoded as
    there, and many providers do not know it), the RFC's first.
    """
    if not client_id:
        return (f"Bearer {secret}",)
    pairs = (f"{quote_plus(client_id)}:{quote_plus(secret)}", f"{client_id}:{secret}")
    return tuple(dict.fromkeys(f"Basic {b64encode(pair.encode()).decode()}" for pair in pairs))
