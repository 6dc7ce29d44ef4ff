"""Access tokens from refresh tokens: caching, rotation, refusal (RFC 6749, section 6)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pillarbox.fetch.oauth.errors import (
    OAuthError,
    ProviderGarbage,
    ProviderRefused,
    ProviderUnreachable,
    SignInNeeded,
    TokensUnusable,
)
from pillarbox.fetch.oauth.settings import OAuth2
from pillarbox.fetch.oauth.source import LEEWAY, TokenSource
from pillarbox.fetch.oauth.store import TokenStore
from tests.fetch.oauth.authority import Authority, refusal


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source(authority: Authority, settings: OAuth2, store: TokenStore, clock: Clock) -> TokenSource:
    """Of an account that has signed in."""
    store.save("refresh-0")
    authority.refresh_tokens.add("refresh-0")
    return TokenSource(settings, store, clock=clock)


async def test_one_token_serves_until_shortly_before_its_end(
    authority: Authority, source: TokenSource, clock: Clock
) -> None:
    assert await source.access_token() == "access-1"
    clock.now += 3600 - LEEWAY - 1
    assert await source.access_token() == "access-1"
    clock.now += 1
    assert await source.access_token() == "access-2"
    assert len(authority.heard) == 2


async def test_many_that_ask_at_once_share_one_answer(
    authority: Authority, source: TokenSource
) -> None:
    tokens = await asyncio.gather(*(source.access_token() for _ in range(20)))
    assert set(tokens) == {"access-1"}
    assert len(authority.heard) == 1


async def test_a_token_that_the_mail_server_refuses_is_not_given_out_again(
    source: TokenSource,
) -> None:
    assert await source.access_token() == "access-1"
    source.discard()
    assert await source.access_token() == "access-2"


@pytest.mark.parametrize("lifetime", [None, 0, -5, "never", LEEWAY, "NaN", [], {}])
async def test_a_life_that_is_short_or_unknown_is_one_use(
    authority: Authority, source: TokenSource, lifetime: Any
) -> None:
    authority.lifetime = lifetime
    assert await source.access_token() == "access-1"
    assert await source.access_token() == "access-2"


@pytest.mark.parametrize("lifetime", [1e30, "Infinity", 10**12])
async def test_no_token_is_believed_to_live_for_ever(
    authority: Authority, source: TokenSource, clock: Clock, lifetime: Any
) -> None:
    authority.lifetime = lifetime
    assert await source.access_token() == "access-1"
    clock.now += 24 * 3600
    assert await source.access_token() == "access-2"


async def test_a_refresh_token_that_stays_is_used_again(
    source: TokenSource, store: TokenStore
) -> None:
    await source.access_token()
    source.discard()
    await source.access_token()
    assert store.load() == "refresh-0"


async def test_a_new_refresh_token_is_kept_before_it_is_used(
    authority: Authority, source: TokenSource, store: TokenStore
) -> None:
    authority.rotates = True
    assert await source.access_token() == "access-1"
    assert store.load() == "refresh-1"
    source.discard()
    assert await source.access_token() == "access-2"
    assert store.load() == "refresh-2"
    assert [form["refresh_token"] for _, form in authority.heard] == ["refresh-0", "refresh-1"]


async def test_after_a_crash_behind_a_rotation_the_next_run_goes_on(
    authority: Authority, settings: OAuth2, source: TokenSource, store: TokenStore, tmp_path: Path
) -> None:
    authority.rotates = True
    await source.access_token()
    del source  # the process is gone; only the disk remains
    again = TokenSource(settings, TokenStore("work", tmp_path))
    assert await again.access_token() == "access-2"


async def test_after_a_crash_inside_a_rotation_a_strict_provider_wants_a_sign_in(
    authority: Authority, settings: OAuth2, source: TokenSource, store: TokenStore
) -> None:
    authority.rotates = True
    await source.access_token()
    store.save("refresh-0")  # as if the disk had never heard of the new one
    with pytest.raises(SignInNeeded, match="sign in again: pillarbox fetch login work"):
        await TokenSource(settings, store).access_token()


async def test_a_full_disk_while_rotating_is_said_and_mended_the_next_time(
    authority: Authority, source: TokenSource, store: TokenStore, tmp_path: Path
) -> None:
    authority.rotates = True
    folder = tmp_path / "oauth"
    real_answer = authority.answer

    def answer(path: str, form: dict[str, str]) -> Any:
        reply = real_answer(path, form)
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("in the way")
        return reply

    authority.answer = answer  # type: ignore[method-assign]
    with pytest.raises(TokensUnusable, match="cannot be written"):
        await source.access_token()
    authority.answer = real_answer  # type: ignore[method-assign]
    folder.unlink()
    (tmp_path / "elsewhere").rename(folder)
    assert store.load() == "refresh-0", "which the provider has taken back"
    assert await source.access_token() == "access-2"
    assert authority.heard[-1][1]["refresh_token"] == "refresh-1"


async def test_what_another_process_has_rotated_is_seen(
    authority: Authority, source: TokenSource, store: TokenStore
) -> None:
    await source.access_token()
    authority.refresh_tokens = {"another"}
    store.save("another")
    source.discard()
    assert await source.access_token() == "access-2"


async def test_nobody_has_signed_in_yet(settings: OAuth2, tmp_path: Path) -> None:
    source = TokenSource(settings, TokenStore("home", tmp_path))
    with pytest.raises(SignInNeeded, match=r'account "home".*pillarbox fetch login home'):
        await source.access_token()


@pytest.mark.parametrize(
    "error", ["invalid_grant", "interaction_required", "consent_required", "login_required"]
)
async def test_a_sign_in_that_counts_no_longer(
    authority: Authority, source: TokenSource, store: TokenStore, error: str
) -> None:
    authority.instead = [refusal(error, "AADSTS50173: the grant\r\nhas expired\x1b[2J")]
    with pytest.raises(SignInNeeded, match="pillarbox fetch login work") as caught:
        await source.access_token()
    assert str(caught.value).isprintable()
    assert "the grant has expired" in str(caught.value)
    assert "refresh-0" not in str(caught.value)
    assert store.load() == "refresh-0", "providers err, too"
    assert await source.access_token() == "access-1"


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (refusal("invalid_client"), ProviderRefused, "check client_id"),
        (refusal("unauthorized_client"), ProviderRefused, "registration"),
        (refusal("invalid_scope", "no POP"), ProviderRefused, "no POP.*check the scopes"),
        (refusal("\x1b[2J"), ProviderRefused, r"refuses"),
        (refusal("temporarily_unavailable"), ProviderUnreachable, "later"),
        ((503, {"error": "busy"}), ProviderUnreachable, "HTTP status 503"),
        ((429, {}), ProviderUnreachable, "HTTP status 429"),
        ((400, {}), ProviderGarbage, "without a reason"),
        ((302, {}), ProviderGarbage, "without a reason"),
        ((200, {}), ProviderGarbage, "Bearer"),
        ((200, {"token_type": "mac", "access_token": "a"}), ProviderGarbage, "Bearer"),
        ((200, {"token_type": "bearer"}), ProviderGarbage, "no access token"),
        ((200, {"token_type": "bearer", "access_token": 7}), ProviderGarbage, "no access"),
        ((200, {"token_type": "bearer", "access_token": "a b"}), ProviderGarbage, "cannot be"),
        ((200, {"token_type": "bearer", "access_token": "a\r\n"}), ProviderGarbage, "cannot be"),
        ((200, {"token_type": "bearer", "access_token": "é"}), ProviderGarbage, "cannot be"),
        ((200, {"token_type": "bearer", "access_token": "a" * 20_000}), ProviderGarbage, "cannot"),
        (
            (200, {"token_type": "bearer", "access_token": "a", "refresh_token": "\n"}),
            ProviderGarbage,
            "cannot be",
        ),
    ],
)
async def test_what_a_provider_can_answer(
    authority: Authority, source: TokenSource, store: TokenStore, reply: Any,
    error: type[OAuthError], says: str,
) -> None:  # fmt: skip
    authority.instead = [reply]
    with pytest.raises(error, match=says) as caught:
        await source.access_token()
    assert str(caught.value).isprintable()
    assert "refresh-0" not in str(caught.value)
    assert store.load() == "refresh-0"
    assert await source.access_token() == "access-1", "it is asked again the next time"
