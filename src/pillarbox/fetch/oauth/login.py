"""A person signs in, once: ``pillarbox fetch login ACCOUNT``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pillarbox.fetch.oauth.browser import sign_in_by_browser
from pillarbox.fetch.oauth.device import sign_in_by_code
from pillarbox.fetch.oauth.errors import SignInFailed
from pillarbox.fetch.oauth.settings import Flow, OAuth2, provider_of
from pillarbox.fetch.oauth.store import TokenStore


async def login(
    settings: OAuth2,
    store: TokenStore,
    *,
    show: Callable[[str], object],
    open_browser: Callable[[str], object],
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Have a person sign in to the store's account; what is got is kept when this returns.

    Args:
        settings: the account's.
        store: the account's.
        show: gets one sentence that says what to do, with a URL.
        open_browser: opens a URL in a browser (``webbrowser.open``); may block and fail.
        wait: sleeps for so many seconds.

    Raises:
        InvalidOAuthSettings, SignInFailed, ProviderRefused, ProviderUnreachable,
        ProviderGarbage, TokensUnusable: see there.
    """
    provider = provider_of(settings)
    if provider.flow is Flow.DEVICE:
        tokens = await sign_in_by_code(provider, settings, show=show, wait=wait)
    else:
        tokens = await sign_in_by_browser(provider, settings, show=show, open_browser=open_browser)
    if tokens.refresh_token is None:
        raise SignInFailed(
            "the provider gave no refresh token, so the sign-in would count for an hour only: "
            "check the scopes in the account's oauth2 settings (many want offline_access)"
        )
    await asyncio.to_thread(store.save, tokens.refresh_token)
