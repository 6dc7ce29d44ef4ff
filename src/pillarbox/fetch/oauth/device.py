"""Signing in by a code (RFC 8628): typed in on any device with a browser.

The program needs no browser and no open port, so this works over ssh. The provider is asked
again and again whether the person has finished.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from pillarbox.fetch.oauth.errors import (
    InvalidOAuthSettings,
    ProviderGarbage,
    ProviderUnreachable,
    SignInFailed,
    quoted,
)
from pillarbox.fetch.oauth.grants import (
    GrantRefused,
    Tokens,
    exchange,
    identification,
    is_token,
    refuse_errors,
)
from pillarbox.fetch.oauth.settings import OAuth2, Provider, refuse_unsafe
from pillarbox.fetch.oauth.web import Answer, post_form

INTERVAL = 5.0
"""Seconds between two questions, unless the provider says otherwise (section 3.2); each
``slow_down`` adds as many (section 3.5)."""
SHORTEST_INTERVAL = 1.0
LONGEST_INTERVAL = 60.0
"""A provider that wants to be asked less often would keep people waiting."""
LIFETIME = 15 * 60.0
"""Seconds for which a code counts, if the provider does not say."""
LONGEST_LIFETIME = 3600.0

_USER_CODE = re.compile(r"[A-Za-z0-9 ._-]{1,40}", re.ASCII)
"""What people can type (section 6.1); nothing else gets to a terminal."""

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_FAILURES = {
    "access_denied": "the sign-in was denied",
    "authorization_declined": "the sign-in was denied",  # Microsoft's word for it
    "expired_token": "nobody signed in before the code expired",
}


class Invitation:
    """What the person is told, and what the program keeps to itself."""

    __slots__ = ("_code", "interval", "lifetime", "text")

    def __init__(self, answer: Answer) -> None:
        """Read the answer to a device authorization request (section 3.2).

        Raises:
            ProviderGarbage: it is none.
        """
        self._code = answer.text("device_code")
        user_code = answer.text("user_code")
        # verification_url is what Google calls it.
        url = answer.text("verification_uri") or answer.text("verification_url")
        if not is_token(self._code) or not _USER_CODE.fullmatch(user_code):
            raise ProviderGarbage("the provider's answer has no code to sign in with")
        try:
            refuse_unsafe(url)
        except InvalidOAuthSettings:
            raise ProviderGarbage(
                f"the provider wants a sign-in at {quoted(url)}, which is no safe place"
            ) from None
        self.lifetime = answer.seconds("expires_in", LIFETIME, LONGEST_LIFETIME)
        interval = answer.seconds("interval", INTERVAL, LONGEST_INTERVAL)
        self.interval = max(interval, SHORTEST_INTERVAL)
        minutes = max(1, round(self.lifetime / 60))
        self.text = (
            f"Open {url} in a browser, on any device, and enter the code {user_code} "
            f"(it counts for {minutes} minutes)."
        )

    @property
    def grant(self) -> dict[str, str]:
        return {"device_code": self._code}


async def sign_in_by_code(
    provider: Provider,
    settings: OAuth2,
    *,
    show: Callable[[str], object],
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Tokens:
    """Have a person sign in; takes as long as that takes.

    Args:
        provider: with a device_url.
        settings: say which program asks.
        show: gets one sentence with the URL and the code.
        wait: sleeps for so many seconds.

    Raises:
        SignInFailed: denied, or not done in time.
        ProviderRefused, ProviderUnreachable, ProviderGarbage: see there.
    """
    form = {**identification(settings), "scope": provider.scopes}
    answer = await post_form(provider.device_url, form)
    try:
        refuse_errors(answer)
    except GrantRefused as refused:
        raise refused.final() from None
    invitation = Invitation(answer)
    show(invitation.text)
    return await _tokens(provider, settings, invitation, wait)


async def _tokens(
    provider: Provider,
    settings: OAuth2,
    invitation: Invitation,
    wait: Callable[[float], Awaitable[None]],
) -> Tokens:
    """Ask until there is an answer (section 3.4 and 3.5).

    Time is counted by what was waited: the provider knows for certain when the code expires,
    this only ends the loop when it never says so.
    """
    interval, left = invitation.interval, invitation.lifetime
    while left > 0:
        await wait(interval)
        left -= interval
        try:
            return await exchange(provider, settings, _GRANT, invitation.grant)
        except GrantRefused as refused:
            if refused.error == "slow_down":
                interval += INTERVAL
            elif refused.error != "authorization_pending":
                raise _failure(refused) from None
        except ProviderUnreachable:
            interval = min(
                2 * interval, max(interval, LONGEST_INTERVAL)
            )  # "such as using an exponential backoff" (section 3.5)
    raise SignInFailed("nobody signed in before the code expired: begin again")


def _failure(refused: GrantRefused) -> Exception:
    what = _FAILURES.get(refused.error)
    return SignInFailed(f"{what}: begin again") if what else refused.final()
