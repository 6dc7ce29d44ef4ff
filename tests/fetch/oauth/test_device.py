"""The device flow, against RFC 8628."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pillarbox.fetch.oauth.device import LONGEST_INTERVAL, sign_in_by_code
from pillarbox.fetch.oauth.errors import (
    OAuthError,
    ProviderGarbage,
    ProviderRefused,
    ProviderUnreachable,
    SignInFailed,
)
from pillarbox.fetch.oauth.grants import Tokens
from pillarbox.fetch.oauth.settings import OAuth2, provider_of
from tests.fetch.oauth.authority import Authority, refusal

PENDING = refusal("authorization_pending")


class Person:
    """Sees what is shown; time passes for nobody else."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.waits: list[float] = []

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def sign_in(self, settings: OAuth2) -> Tokens:
        return await sign_in_by_code(
            provider_of(settings), settings, show=self.shown.append, wait=self.wait
        )


@pytest.fixture
def person() -> Person:
    return Person()


async def test_a_person_signs_in(authority: Authority, settings: OAuth2, person: Person) -> None:
    authority.device = [PENDING, PENDING]
    tokens = await person.sign_in(settings)
    assert tokens == Tokens("access-1", 3600, "refresh-1")
    assert person.waits == [5, 5, 5]
    (shown,) = person.shown
    assert shown == (
        f"Open {authority.url}/enter in a browser, on any device, and enter the code WDJB-MJHT "
        "(it counts for 15 minutes)."
    )
    assert authority.heard[0] == ("/device", {"client_id": "our-program", "scope": authority.scope})
    assert authority.heard[-1] == (
        "/token",
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "client_id": "our-program",
            "device_code": "the-device-code",
        },
    )


async def test_nothing_is_asked_before_the_person_is_told(
    authority: Authority, settings: OAuth2
) -> None:
    asked_when_shown: list[int] = []
    person = Person()
    await sign_in_by_code(
        provider_of(settings),
        settings,
        show=lambda _: asked_when_shown.append(len(authority.heard)),
        wait=person.wait,
    )
    assert asked_when_shown == [1]


async def test_slow_down_adds_five_seconds_for_good(
    authority: Authority, settings: OAuth2, person: Person
) -> None:
    """Section 3.5: "the interval MUST be increased by 5 seconds for this and all subsequent"."""
    authority.device = [PENDING, refusal("slow_down"), PENDING, refusal("slow_down"), PENDING]
    await person.sign_in(settings)
    assert person.waits == [5, 5, 10, 10, 15, 15]


async def test_a_provider_in_trouble_is_asked_less_often(
    authority: Authority, settings: OAuth2, person: Person
) -> None:
    busy = (503, {"error": "busy"})
    authority.device = [PENDING, busy, busy, PENDING]
    await person.sign_in(settings)
    assert person.waits == [5, 5, 10, 20, 20]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("access_denied", "the sign-in was denied: begin again"),
        ("authorization_declined", "the sign-in was denied: begin again"),
        ("expired_token", "nobody signed in before the code expired: begin again"),
    ],
)
async def test_how_it_can_fail(
    authority: Authority, settings: OAuth2, person: Person, error: str, says: str
) -> None:
    authority.device = [PENDING, refusal(error), PENDING]
    with pytest.raises(SignInFailed, match=f"^{says}$"):
        await person.sign_in(settings)
    assert len(person.waits) == 2


async def test_a_code_that_never_expires_does(
    authority: Authority, settings: OAuth2, person: Person
) -> None:
    authority.device_fields = {"expires_in": 60, "interval": 7}
    authority.device = [PENDING] * 1000
    with pytest.raises(SignInFailed, match="expired"):
        await person.sign_in(settings)
    assert person.waits == [7] * 9


@pytest.mark.parametrize(
    ("fields", "interval"),
    [
        ({"interval": None}, 5),  # section 3.2: "clients MUST use 5 as the default"
        ({"interval": "9"}, 9),
        ({"interval": 0}, 1),
        ({"interval": -3}, 1),
        ({"interval": True}, 5),
        ({"interval": "soon"}, 5),
        ({"interval": [1]}, 5),
        ({"interval": 10**400}, 5),
        ({"interval": 1e6}, LONGEST_INTERVAL),
        ({"expires_in": "x"}, 5),
        ({"verification_uri": None, "verification_url": "https://example.org/d"}, 5),
        ({"verification_uri_complete": "javascript:alert(1)"}, 5),
    ],
)
async def test_odd_numbers_and_names(
    authority: Authority, settings: OAuth2, person: Person, fields: dict[str, Any], interval: float
) -> None:
    authority.device_fields = fields
    await person.sign_in(settings)
    assert person.waits == [interval]
    assert len(person.shown) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"device_code": None},
        {"device_code": ""},
        {"device_code": "a\nb"},
        {"device_code": 7},
        {"user_code": None},
        {"user_code": ""},
        {"user_code": "\x1b[2J"},
        {"user_code": "A" * 41},
        {"verification_uri": None},
        {"verification_uri": "http://example.org/"},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "https://example.org/\x1b[2J"},
        {"verification_uri": "https://login.example.org@evil.example/"},
        {"verification_uri": 7},
    ],
)
async def test_what_is_no_invitation_is_not_shown(
    authority: Authority, settings: OAuth2, person: Person, fields: dict[str, Any]
) -> None:
    authority.device_fields = fields
    with pytest.raises(ProviderGarbage) as caught:
        await person.sign_in(settings)
    assert person.shown == []
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"client_id": "another"}, ProviderRefused, "invalid_client.*check client_id"),
        ({"client_secret": "guessed"}, ProviderRefused, "invalid_client"),
        ({"scopes": "everything"}, ProviderRefused, "invalid_scope.*check the scopes"),
    ],
)
async def test_settings_that_the_provider_does_not_know(
    settings: OAuth2, person: Person, change: dict[str, str], error: type[OAuthError], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        await person.sign_in(settings._replace(**change))
    assert person.shown == []
    assert "guessed" not in str(caught.value)


async def test_a_client_secret_goes_along(
    authority: Authority, settings: OAuth2, person: Person
) -> None:
    authority.client_secret = "not very"
    tokens = await person.sign_in(settings._replace(client_secret="not very"))
    assert tokens.refresh_token == "refresh-1"
    assert "not very" not in repr(settings._replace(client_secret="not very"))
    assert not re.search("access-1|refresh-1", repr(tokens))


async def test_a_provider_that_is_not_there(settings: OAuth2, person: Person) -> None:
    away = settings._replace(device_url="http://127.0.0.1:9/device")
    with pytest.raises(ProviderUnreachable, match=r"127\.0\.0\.1 cannot be reached"):
        await person.sign_in(away)
