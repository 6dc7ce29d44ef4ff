"""Signing in with a browser on this machine (RFC 8252), with PKCE (RFC 7636).

The browser is sent to the provider, and the provider sends it back to a port of this machine
with an *authorization code*. Other programs here may see that code; without the *verifier*,
of which the provider got the hash at the beginning, it is worth nothing.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import secrets
import threading
from collections.abc import Callable
from urllib.parse import urlencode

from pillarbox.fetch.oauth.errors import SignInFailed
from pillarbox.fetch.oauth.grants import GrantRefused, Tokens, exchange
from pillarbox.fetch.oauth.redirect import Redirect
from pillarbox.fetch.oauth.settings import OAuth2, Provider

PATIENCE = 15 * 60.0
"""Seconds that a person has to sign in."""

_RANDOM_OCTETS = 32  # "at least 256 bits of entropy" (RFC 7636, section 7.1)


async def sign_in_by_browser(
    provider: Provider,
    settings: OAuth2,
    *,
    show: Callable[[str], object],
    open_browser: Callable[[str], object],
    patience: float = PATIENCE,
) -> Tokens:
    """Have a person sign in; takes as long as that takes.

    Args:
        provider: with an authorize_url.
        settings: say which program asks.
        show: gets one sentence with the URL, in case no browser opens.
        open_browser: opens a URL; may block, and may fail.
        patience: seconds that the person has.

    Raises:
        SignInFailed: denied, not done in time, or no port could be opened.
        ProviderRefused, ProviderUnreachable, ProviderGarbage: see there.
    """
    state, verifier = (secrets.token_urlsafe(_RANDOM_OCTETS) for _ in range(2))
    try:
        async with asyncio.timeout(patience), Redirect(state) as redirect:
            redirect_url = redirect.url
            url = _authorize_url(provider, settings, redirect_url, state, verifier)
            show(f"Sign in with the browser on this machine; if it does not open, open {url}")
            open_without_waiting(open_browser, url)
            code = await redirect.code()
    except TimeoutError:
        raise SignInFailed("nobody signed in for too long: begin again") from None
    except OSError as error:
        raise SignInFailed(
            f"no port can be opened for the browser to come back to: {error}"
        ) from None
    grant = {"code": code, "redirect_uri": redirect_url, "code_verifier": verifier}
    try:
        return await exchange(provider, settings, "authorization_code", grant)
    except GrantRefused as refused:
        raise refused.final() from None


def open_without_waiting(open_browser: Callable[[str], object], url: str) -> None:
    """Open a browser, in a thread that nobody waits for: some of them stay until they end."""

    def work() -> None:
        with contextlib.suppress(Exception):  # whatever a desktop fails with: the URL was shown
            open_browser(url)

    threading.Thread(target=work, name="pillarbox-browser", daemon=True).start()


def _authorize_url(
    provider: Provider, settings: OAuth2, redirect_url: str, state: str, verifier: str
) -> str:
    """RFC 6749, section 4.1.1, and RFC 7636, section 4.3."""
    parameters = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": redirect_url,
        "scope": provider.scopes,
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
        **dict(provider.authorize_extra),
    }
    joint = "&" if "?" in provider.authorize_url else "?"
    return f"{provider.authorize_url}{joint}{urlencode(parameters)}"


def challenge(verifier: str) -> str:
    """S256 (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
