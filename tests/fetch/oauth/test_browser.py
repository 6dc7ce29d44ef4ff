"""The authorization code with PKCE, against RFC 6749, 7636 and 8252."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from pillarbox.fetch.oauth.browser import challenge, sign_in_by_browser
from pillarbox.fetch.oauth.errors import ProviderRefused, SignInFailed
from pillarbox.fetch.oauth.grants import Tokens
from pillarbox.fetch.oauth.redirect import MAX_REQUEST
from pillarbox.fetch.oauth.settings import OAuth2, provider_of
from tests.fetch.oauth.authority import Authority
from tests.fetch.oauth.conftest import settings_for


@pytest.fixture
def settings(authority: Authority) -> OAuth2:
    return settings_for(authority, browser=True)


def get(url: str, method: str = "GET") -> tuple[int, str]:
    """What a browser sees: status and page."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    try:
        connection.request(method, f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def redirect_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["redirect_uri"][0]


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


async def sign_in(settings: OAuth2, browser: Callable[[str], object]) -> Tokens:
    """And wait for the browser, too: nobody else does, and it sees its page when it likes."""
    over = threading.Event()

    def until_over(url: str) -> None:
        try:
            browser(url)
        finally:
            over.set()

    try:
        return await sign_in_beside(settings, until_over)
    finally:
        await asyncio.to_thread(over.wait)


async def sign_in_beside(
    settings: OAuth2, browser: Callable[[str], object], patience: float = 600.0
) -> Tokens:
    return await sign_in_by_browser(
        provider_of(settings),
        settings,
        show=lambda _: None,
        open_browser=browser,
        patience=patience,
    )


async def test_a_person_signs_in(authority: Authority, settings: OAuth2) -> None:
    pages: list[tuple[int, str]] = []
    tokens = await sign_in(settings, lambda url: pages.append(get(authority.consent(url))))
    assert tokens == Tokens("access-2", 3600, "refresh-2")
    _, form = authority.heard[-1]
    assert form["grant_type"] == "authorization_code"
    assert form["redirect_uri"].startswith("http://127.0.0.1:")
    status, page = pages[0]
    assert status == 200
    assert "You can close this page" in page
    assert "code-1" not in page


def test_the_challenge_of_the_rfc() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def test_without_a_browser_the_url_is_enough(authority: Authority, settings: OAuth2) -> None:
    def no_browser(_: str) -> None:
        raise FileNotFoundError("no browser here")

    shown = asyncio.get_running_loop().create_future()
    signing_in = asyncio.ensure_future(
        sign_in_by_browser(
            provider_of(settings), settings, show=shown.set_result, open_browser=no_browser
        )
    )
    url = (await shown).rpartition(" ")[2]
    status, _ = await asyncio.to_thread(get, authority.consent(url))
    assert status == 200
    assert (await signing_in).refresh_token == "refresh-2"


async def test_a_browser_that_stays_keeps_nobody_waiting(
    authority: Authority, settings: OAuth2
) -> None:
    closed = threading.Event()

    def text_browser(url: str) -> None:
        get(authority.consent(url))
        closed.wait()

    tokens = await sign_in_beside(settings, text_browser)
    closed.set()
    assert tokens.refresh_token == "refresh-2"


async def test_each_sign_in_has_secrets_of_its_own(authority: Authority, settings: OAuth2) -> None:
    urls: list[str] = []

    def browser(url: str) -> None:
        urls.append(url)
        get(authority.consent(url))

    for _ in range(3):
        await sign_in(settings, browser)
    assert len({state_of(url) for url in urls}) == 3
    assert len({parse_qs(urlsplit(url).query)["code_challenge"][0] for url in urls}) == 3
    verifiers = {form["code_verifier"] for _, form in authority.heard}
    assert len(verifiers) == 3
    assert not any(verifier in url for verifier in verifiers for url in urls)


STRANGERS = [
    "favicon.ico?",
    "?",
    "?code=stolen",
    "?code=stolen&state=",
    "?code=stolen&state=guessed",
    "?code=stolen&state=%ff%fe",
    "?code=stolen&state={state}x",
    "?code=stolen&state={state}&state=other",
    "?code=stolen&code=other&state={state}",
    "other?code=stolen&state={state}",
    "?error=access_denied&state=guessed",
    "?state={state}",
    "?code=a&error=b&state={state}",
    "?" + "a=b&" * 60 + "code=stolen&state={state}",
]


@pytest.mark.parametrize("knock", STRANGERS)
async def test_who_does_not_know_the_state_changes_nothing(
    authority: Authority, settings: OAuth2, knock: str
) -> None:
    seen: list[int] = []

    def browser(url: str) -> None:
        stranger = redirect_of(url) + knock.format(state=state_of(url))
        seen.append(get(stranger)[0])
        seen.append(get(authority.consent(url))[0])

    tokens = await sign_in(settings, browser)
    assert tokens.refresh_token == "refresh-2"
    assert seen[0] in {400, 404}
    assert seen[1] == 200


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\r\n\r\n",
        b"\x16\x03\x01\x00\x05hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nCookie: " + b"a" * (2 * MAX_REQUEST) + b"\r\n\r\n",
        b"POST /?code=stolen&state=STATE HTTP/1.1\r\n\r\n",
        b"GET /?code=stolen&state=STA",
    ],
)
async def test_what_is_no_request_changes_nothing(
    authority: Authority, settings: OAuth2, octets: bytes
) -> None:
    def browser(url: str) -> None:
        parts = urlsplit(redirect_of(url))
        with socket.create_connection((parts.hostname, parts.port)) as stranger:
            try:
                stranger.sendall(octets.replace(b"STATE", state_of(url).encode()))
                stranger.shutdown(socket.SHUT_WR)
                while stranger.recv(4096):
                    pass
            except OSError:
                pass  # shown out before all was said
        get(authority.consent(url))

    assert (await sign_in(settings, browser)).refresh_token == "refresh-2"


async def test_the_first_that_knows_the_state_is_the_last_that_is_heard(
    authority: Authority, settings: OAuth2
) -> None:
    ports: list[tuple[str, int]] = []

    def browser(url: str) -> None:
        parts = urlsplit(redirect_of(url))
        ports.append((parts.hostname or "", parts.port or 0))
        get(authority.consent(url))

    await sign_in(settings, browser)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(ports[0])


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("error=access_denied", "the sign-in was denied: begin again"),
        ("error=server_error", 'it says "server_error"'),
        ("error=invalid_scope&error_description=No%20such%0Ascope%1B[2J", r"No such scope\?\[2J"),
    ],
)
async def test_a_person_or_provider_that_says_no(settings: OAuth2, query: str, says: str) -> None:
    pages: list[tuple[int, str]] = []

    def browser(url: str) -> None:
        pages.append(get(f"{redirect_of(url)}?{query}&state={state_of(url)}"))

    with pytest.raises(SignInFailed, match=says):
        await sign_in(settings, browser)


async def test_a_page_has_nothing_of_the_request_in_it(settings: OAuth2) -> None:
    pages: list[tuple[int, str]] = []

    def browser(url: str) -> None:
        pages.append(get(f"{redirect_of(url)}?error=%3Cscript%3E&state={state_of(url)}"))

    with pytest.raises(SignInFailed):
        await sign_in(settings, browser)
    assert "script" not in pages[0][1]
    assert "Not signed in" in pages[0][1]


async def test_a_code_that_was_swapped_is_worth_nothing(
    authority: Authority, settings: OAuth2
) -> None:
    """PKCE: the attacker's code was got with another challenge."""
    other = provider_of(settings).authorize_url + (
        "?response_type=code&client_id=our-program&scope=pop+offline_access&state=s"
        "&code_challenge_method=S256&code_challenge=" + challenge("x" * 43) + "&redirect_uri="
    )

    def browser(url: str) -> None:
        attacker = authority.consent(other + redirect_of(url))
        code = parse_qs(urlsplit(attacker).query)["code"][0]
        get(f"{redirect_of(url)}?code={code}&state={state_of(url)}")

    with pytest.raises(ProviderRefused, match="the verifier does not match"):
        await sign_in(settings, browser)


async def test_nobody_waits_for_ever(settings: OAuth2) -> None:
    with pytest.raises(SignInFailed, match="nobody signed in for too long"):
        await sign_in_beside(settings, lambda _: None, patience=0)
