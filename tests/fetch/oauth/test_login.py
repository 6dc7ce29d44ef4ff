"""Signing in from beginning to end: what remains is a refresh token."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pillarbox.fetch.oauth.errors import InvalidOAuthSettings, SignInFailed
from pillarbox.fetch.oauth.login import login
from pillarbox.fetch.oauth.settings import OAuth2
from pillarbox.fetch.oauth.source import TokenSource
from pillarbox.fetch.oauth.store import TokenStore
from tests.fetch.oauth.authority import Authority
from tests.fetch.oauth.conftest import settings_for
from tests.fetch.oauth.test_browser import get


def nobody(_: str) -> None:
    raise AssertionError("no browser is wanted here")


async def test_by_a_browser(authority: Authority, store: TokenStore) -> None:
    settings = settings_for(authority, browser=True)
    shown: list[str] = []
    await login(
        settings, store, show=shown.append, open_browser=lambda url: get(authority.consent(url))
    )
    assert f"{authority.url}/authorize?" in shown[0]
    assert store.load() == "refresh-2"
    assert await TokenSource(settings, store).access_token() == "access-3"


async def test_by_a_code(authority: Authority, settings: OAuth2, store: TokenStore) -> None:
    shown: list[str] = []
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    await login(settings, store, show=shown.append, open_browser=nobody, wait=wait)
    assert waits == [5]
    assert "WDJB-MJHT" in shown[0]
    assert store.load() == "refresh-1"


async def test_a_sign_in_that_would_not_last_is_none(
    authority: Authority, store: TokenStore
) -> None:
    settings = settings_for(authority, browser=True)
    authority.instead = [(200, {"token_type": "Bearer", "access_token": "a", "expires_in": 3600})]
    with pytest.raises(SignInFailed, match=r"no refresh token.*offline_access"):
        await login(
            settings,
            store,
            show=lambda _: None,
            open_browser=lambda url: get(authority.consent(url)),
        )
    assert store.load() is None


async def test_settings_that_cannot_work_ask_nobody(store: TokenStore) -> None:
    with pytest.raises(InvalidOAuthSettings):
        await login(OAuth2("unheard", "of"), store, show=nobody, open_browser=nobody)
    with pytest.raises(InvalidOAuthSettings):
        TokenSource(OAuth2("unheard", "of"), store)


def test_settings_are_read_without_what_a_sign_in_needs() -> None:
    program = (
        "import sys, pillarbox.fetch.oauth.settings\n"
        "print([n for n in ('ssl', 'http', 'http.client', 'keyring', 'email') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
