"""Which providers are known, and which settings cannot work."""

from __future__ import annotations

import pytest

from pillarbox.fetch.oauth.errors import InvalidOAuthSettings
from pillarbox.fetch.oauth.settings import Flow, OAuth2, provider_of

OURS = OAuth2(
    "ours",
    "id",
    authorize_url="https://a.example/authorize",
    device_url="https://a.example/device",
    token_url="https://a.example/token",
    scopes="pop",
)


def test_microsoft_needs_a_client_id_and_nothing_else() -> None:
    provider = provider_of(OAuth2("Microsoft", "id"))
    assert provider.flow is Flow.DEVICE
    assert provider.scopes.split() == [
        "https://outlook.office.com/POP.AccessAsUser.All",
        "https://outlook.office.com/SMTP.Send",
        "offline_access",
    ]
    assert provider.device_url.startswith("https://login.microsoftonline.com/")


def test_google_signs_in_by_a_browser() -> None:
    provider = provider_of(OAuth2("google", "id"))
    assert provider.flow is Flow.BROWSER
    assert provider.scopes == "https://mail.google.com/"
    assert ("access_type", "offline") in provider.authorize_extra


@pytest.mark.parametrize(
    ("change", "flow"),
    [
        ({}, Flow.DEVICE),
        ({"device_url": None}, Flow.BROWSER),
        ({"authorize_url": None}, Flow.DEVICE),
    ],
)
def test_any_other_provider_by_its_endpoints(change: dict[str, None], flow: Flow) -> None:
    provider = provider_of(OURS._replace(**change))  # type: ignore[arg-type]  # not of client_id
    assert provider.flow is flow
    assert provider.token_url == "https://a.example/token"
    assert provider.scopes == "pop"


def test_a_company_can_have_endpoints_of_its_own() -> None:
    tenant = "https://login.microsoftonline.com/ours.example/oauth2/v2.0/token"
    provider = provider_of(OAuth2("microsoft", "id", token_url=tenant))
    assert provider.token_url == tenant
    assert provider.flow is Flow.DEVICE
    by_browser = OAuth2("microsoft", "id", authorize_url="https://a.example/authorize")
    assert provider_of(by_browser).flow is Flow.BROWSER


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (OAuth2("microsoft", ""), "needs a client_id"),
        (OAuth2("ours", "id"), "token_url and device_url or authorize_url and scopes"),
        (OURS._replace(scopes=""), '"ours" is not known here .*give scopes as well'),
        (OURS._replace(token_url=None), "give token_url"),
        (OURS._replace(device_url=None, authorize_url=None), "give device_url or authorize_url"),
    ],
)
def test_what_is_missing_is_named(settings: OAuth2, says: str) -> None:
    with pytest.raises(InvalidOAuthSettings, match=says):
        provider_of(settings)


@pytest.mark.parametrize("name", ["token_url", "device_url", "authorize_url"])
@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/",
        "http://10.0.0.1/",
        "http://localhost.example/",
        "http://127.0.0.1.example/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://",
        "https:///token",
        "https://a.example:port/",
        "https://a.example:99999/",
        "https://[::1/",
        "https://user@a.example/",
        "https://a.example/to ken",
        "https://a.example/\r\n",
        "//a.example/",
        "a.example",
    ],
)
def test_tokens_go_to_https_only(name: str, url: str) -> None:
    with pytest.raises(InvalidOAuthSettings) as caught:
        provider_of(OURS._replace(**{name: url}))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080/t", "http://[::1]/t", "http://localhost:1/t", "http://127.9.9.9/t"],
)
def test_or_to_this_machine(url: str) -> None:
    assert provider_of(OURS._replace(token_url=url)).token_url == url
