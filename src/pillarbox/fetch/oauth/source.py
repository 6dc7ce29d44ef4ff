"""Access tokens for an account, for as long as its sign-in counts.

An access token is kept in memory until shortly before it expires. A new one comes from the
refresh token; a provider that gives out a new refresh token with it (*rotation*) takes the
old one back, so the new one is kept durably before anything is done with either. A crash in
between, after the provider has spoken and before the disk has, cannot be mended from here:
many providers accept the old one for a while for this reason, the others want a new sign-in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from pillarbox.fetch.oauth.errors import SignInNeeded
from pillarbox.fetch.oauth.grants import GrantRefused, Tokens, exchange
from pillarbox.fetch.oauth.settings import OAuth2, provider_of
from pillarbox.fetch.oauth.store import TokenStore

LEEWAY = 120.0
"""Seconds before its end at which an access token is not used any more: clocks differ, and a
sign-in takes a while."""

_OVER = {"invalid_grant", "interaction_required", "consent_required", "login_required"}
"""Errors that say that a person has to sign in: the first of RFC 6749, section 5.2, the others of
OpenID Connect Core 1.0, section 3.1.2.6, with which Microsoft asks for a second factor."""


class TokenSource:
    """Gives out access tokens. One for each account, used from one event loop."""

    __slots__ = (
        "_clock",
        "_lock",
        "_provider",
        "_settings",
        "_store",
        "_token",
        "_unsaved",
        "_until",
    )

    def __init__(
        self, settings: OAuth2, store: TokenStore, *, clock: Callable[[], float] = time.time
    ) -> None:
        """*clock* is one that goes on while the machine sleeps.

        Raises:
            InvalidOAuthSettings: *settings* cannot work.
        """
        self._settings = settings
        self._provider = provider_of(settings)
        self._store = store
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._until = 0.0
        self._unsaved: str | None = None  # a refresh token that the store did not take

    async def access_token(self) -> str:
        """A token that can be used now.

        Raises:
            SignInNeeded: a person has to sign in first.
            ProviderRefused, ProviderUnreachable, ProviderGarbage, TokensUnusable: see there.
        """
        async with self._lock:  # several that ask at once share one answer
            if self._clock() >= self._until:
                tokens = await self._refreshed()
                self._token = tokens.access_token
                self._until = self._clock() + tokens.lifetime - LEEWAY
            return self._token

    def discard(self) -> None:
        """The mail server did not take the token: get another one the next time."""
        self._until = 0.0

    async def _refreshed(self) -> Tokens:
        """RFC 6749, section 6."""
        refresh_token = await self._refresh_token()
        try:
            tokens = await exchange(
                self._provider, self._settings, "refresh_token", {"refresh_token": refresh_token}
            )
        except GrantRefused as refused:
            if refused.error in _OVER:
                raise self._needed(f"no longer counts ({refused})") from None
            raise refused.final() from None
        if tokens.refresh_token not in {None, refresh_token}:
            self._unsaved = tokens.refresh_token
            await self._save()
        return tokens

    async def _refresh_token(self) -> str:
        """What is kept, which another process may have changed in the meantime."""
        if self._unsaved is not None:
            await self._save()
        token = await asyncio.to_thread(self._store.load)
        if token is None:
            raise self._needed("is needed first")
        return token

    async def _save(self) -> None:
        """Keep the new refresh token, which is tried again the next time if it fails."""
        if self._unsaved is not None:
            await asyncio.to_thread(self._store.save, self._unsaved)
            self._unsaved = None

    def _needed(self, what: str) -> SignInNeeded:
        account = self._store.account
        return SignInNeeded(
            f'a sign-in for the account "{account}" {what}; sign in again: '
            f"pillarbox fetch login {account}"
        )
