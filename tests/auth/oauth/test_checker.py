"""The whole checker, with tokens of real issuers: authlib's server, and oidc-provider-mock."""

import json
import logging
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import trustme

from pillarbox.auth.oauth.checker import MAX_TOKEN, SIGNED_SECONDS, OAuthChecker
from pillarbox.auth.oauth.claims import CLOCK_SKEW
from pillarbox.auth.oauth.key_source import FRESH_SECONDS, LOOK_SECONDS, PAUSE_SECONDS
from pillarbox.auth.oauth.settings import OAuthSettings
from pillarbox.auth.oauth.web import Web
from pillarbox.contracts.errors import AuthUnavailable, CredentialsRefused
from pillarbox.sasl.surroundings import TokenAdvice
from tests.auth.oauth import craft
from tests.auth.oauth.conftest import Clocks, MakeChecker, MakeIssuer
from tests.auth.oauth.issuer import AUDIENCE, SECRET, SERVER, Issuer
from tests.postoffice import PATIENCE


def of(issuer: Issuer, **changes: Any) -> OAuthSettings:
    return OAuthSettings(**({"issuer": issuer.url, "audience": (AUDIENCE,)} | changes))


async def refusal(checker: OAuthChecker, token: str) -> str:
    with pytest.raises(CredentialsRefused) as caught:
        await checker.user_of(token)
    return str(caught.value)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_rfc_9068_a_token_of_an_issuer_is_its_users(
    make_issuer: MakeIssuer, make_checker: MakeChecker, algorithm: str
) -> None:
    issuer = make_issuer(algorithm=algorithm)
    checker = make_checker(of(issuer, scopes=("pop",)))
    assert await checker.user_of(await issuer.token("alice")) == "alice@example.org"
    assert await checker.user_of(await issuer.token("bob")) == "bob@example.org"
    assert "not good for" in await refusal(checker, await issuer.token("bob", scope="email"))


async def test_a_token_of_another_issuer_or_for_others(
    make_issuer: MakeIssuer, make_checker: MakeChecker
) -> None:
    issuer, other = make_issuer(), make_issuer()
    token = await issuer.token()
    assert "not signed" in await refusal(make_checker(of(other)), token)
    where = {"jwks_url": f"{issuer.url}/jwks"}
    assert "another issuer" in await refusal(make_checker(of(other, **where)), token)
    assert "another audience" in await refusal(make_checker(of(issuer, audience=("else",))), token)
    assert "not taken" in await refusal(make_checker(of(issuer, algorithms=("ES256",))), token)


async def test_keys_are_fetched_before_the_first_token_comes(
    make_issuer: MakeIssuer, make_checker: MakeChecker
) -> None:
    issuer = make_issuer()
    checker, token = make_checker(of(issuer)), await issuer.token()
    checker.begin()
    assert checker._beginning is not None
    await checker._beginning
    assert issuer.asked["/jwks"] == 1
    with pytest.raises(StopIteration):  # nobody waits
        checker.user_of(token).send(None)


async def test_an_issuer_that_is_away_is_in_the_log_before_the_first_token_comes(
    make_issuer: MakeIssuer, make_checker: MakeChecker
) -> None:
    issuer = make_issuer()
    issuer.stop()
    with structlog.testing.capture_logs() as logs:
        checker = make_checker(of(issuer))
        checker.begin()
        assert checker._beginning is not None
        await checker._beginning
    assert [line["event"] for line in logs] == ["keys of tokens not fetched"]
    assert "localhost cannot be reached" in logs[0]["error"]


async def test_keys_are_rotated_while_it_runs(
    make_issuer: MakeIssuer, make_checker: MakeChecker, clocks: Clocks
) -> None:
    issuer = make_issuer()
    checker = make_checker(of(issuer))
    old = await issuer.token()
    await checker.user_of(old)
    issuer.rotate()
    clocks.move(PAUSE_SECONDS)
    assert await checker.user_of(await issuer.token("bob")) == "bob@example.org"
    assert await checker.user_of(old) == "alice@example.org"
    issuer.rotate(keep=False)
    clocks.move(FRESH_SECONDS)
    assert "not signed" in await refusal(checker, old)
    assert await checker.user_of(await issuer.token("bob")) == "bob@example.org"


async def test_while_the_issuer_is_away_tokens_count_whose_keys_are_known(
    make_issuer: MakeIssuer, make_checker: MakeChecker, clocks: Clocks
) -> None:
    issuer = make_issuer()
    checker, token = make_checker(of(issuer)), await issuer.token()
    others = [await issuer.token("bob"), await issuer.token("bob")]
    await checker.user_of(token)
    issuer.rotate()
    new = await issuer.token()
    issuer.stop()
    assert await checker.user_of(others[0]) == "bob@example.org"
    clocks.move(FRESH_SECONDS)
    assert await checker.user_of(others[1]) == "bob@example.org"
    with pytest.raises(AuthUnavailable):
        await checker.user_of(new)
    with pytest.raises(AuthUnavailable, match="no keys to check tokens with"):
        await make_checker(of(issuer)).user_of(token)


async def test_a_token_counts_until_it_expires_and_no_longer(
    make_issuer: MakeIssuer, make_checker: MakeChecker, clocks: Clocks
) -> None:
    issuer = make_issuer()
    checker, token = make_checker(of(issuer)), await issuer.token()
    claims = json.loads(_payload(token))
    clocks.move(claims["exp"] - clocks.wall - 1)
    assert await checker.user_of(token)
    clocks.move(CLOCK_SKEW)
    assert await checker.user_of(token)  # is one of the clocks wrong?
    clocks.move(1)
    assert "expired" in await refusal(checker, token)


def _payload(token: str) -> str:
    from base64 import urlsafe_b64decode  # noqa: PLC0415 -- here only

    part = token.split(".")[1]
    return urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


async def test_a_clock_that_is_behind(
    make_issuer: MakeIssuer, make_checker: MakeChecker, clocks: Clocks
) -> None:
    issuer = make_issuer()
    checker, token = make_checker(of(issuer)), await issuer.token()
    clocks.wall = int(time.time()) - CLOCK_SKEW - 5
    assert "clocks" in await refusal(checker, token)
    clocks.move(10)
    assert await checker.user_of(token)


async def test_keys_in_a_file(
    make_issuer: MakeIssuer, make_checker: MakeChecker, clocks: Clocks, tmp_path: Path
) -> None:
    issuer = make_issuer()
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(issuer.public_keys()))
    checker = make_checker(of(issuer, jwks_file=path))
    assert await checker.user_of(await issuer.token())
    issuer.rotate()
    new = await issuer.token()
    assert "not signed" in await refusal(checker, new)
    path.write_text(json.dumps(issuer.public_keys()))
    clocks.move(LOOK_SECONDS)
    assert await checker.user_of(new)
    assert set(issuer.asked) == {"/token"}


async def test_over_tls(
    make_issuer: MakeIssuer, make_checker: MakeChecker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")
    authority, trust = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trust)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(shown)
    issuer = make_issuer(tls=shown)
    token = await issuer.token(verify=trust)
    assert await make_checker(of(issuer), Web(trust)).user_of(token) == "alice@example.org"
    with pytest.raises(AuthUnavailable, match="certificate does not convince"):
        await make_checker(of(issuer)).user_of(token)


async def test_a_signature_is_not_checked_again_for_a_while(
    make_issuer: MakeIssuer,
    make_checker: MakeChecker,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuer = make_issuer()
    checker, token = make_checker(of(issuer)), await issuer.token()
    await checker.user_of(token)
    checks = 0
    check = checker._way.check

    async def counted(token: str) -> Any:
        nonlocal checks
        checks += 1
        return await check(token)

    monkeypatch.setattr(checker._way, "check", counted)
    clocks.move(SIGNED_SECONDS - 1)
    assert await checker.user_of(token)
    assert checks == 0
    clocks.move(1)
    assert await checker.user_of(token)
    assert checks == 1
    for _ in range(2):
        await refusal(checker, token[:-5])
    assert checks == 3


async def test_the_hot_path_does_not_suspend(
    make_issuer: MakeIssuer, make_checker: MakeChecker
) -> None:
    issuer = make_issuer()
    checker, tokens = make_checker(of(issuer)), [await issuer.token() for _ in range(2)]
    await checker.user_of(tokens[0])
    for token in tokens:  # one that is remembered, one whose signature is checked
        with pytest.raises(StopIteration) as ended:
            checker.user_of(token).send(None)
        assert ended.value.value == "alice@example.org"


@pytest.mark.parametrize(
    "text",
    ["", " ", "a b", "a\r\nb", "a\0", "=", "a=b", "é", "\udc80", "x" * (MAX_TOKEN + 1), "Bearer x"],
)
async def test_rfc_6750_section_2_1_what_is_no_token(make_checker: MakeChecker, text: str) -> None:
    asks = OAuthSettings(introspection="http://localhost:1/", client_secret="s")
    assert "no access token" in await refusal(make_checker(asks), text)


async def test_a_long_token(make_checker: MakeChecker, clocks: Clocks, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(craft.key_set(craft.jwk(craft.RSA)))
    checker = make_checker(
        OAuthSettings(issuer=craft.ISSUER, audience=(craft.AUDIENCE,), jwks_file=path)
    )
    clocks.wall = craft.NOW
    token = craft.token(craft.claims(groups=["x" * 36] * 280))
    assert 15_000 < len(token) < MAX_TOKEN
    assert await checker.user_of(token) == "alice@example.org"


def test_what_clients_are_told() -> None:
    full = OAuthSettings(issuer="https://id.example.org/realms/a/", scopes=("openid", "pop"))
    url = "https://id.example.org/realms/a/.well-known/openid-configuration"
    assert full.advice == TokenAdvice(openid_configuration=url, scope="openid pop")
    assert OAuthSettings().advice == TokenAdvice("", "")


async def test_secrets_are_in_no_log_and_no_error(
    make_issuer: MakeIssuer,
    make_checker: MakeChecker,
    clocks: Clocks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    issuer = make_issuer(opaque=True)
    asks = OAuthSettings(
        issuer=issuer.url,
        introspection=f"{issuer.url}/introspect",
        client_id=SERVER,
        client_secret=SECRET,
    )
    assert SECRET not in repr(asks)
    tokens = [await issuer.token(), "never-given-out", craft.token(craft.claims(exp=1))]
    texts: list[str] = []
    with structlog.testing.capture_logs() as logs:
        for round_ in range(2):
            signs = make_checker(OAuthSettings(issuer=issuer.url, audience=("a",)))
            for checker in (make_checker(asks), signs):
                for token in tokens:
                    try:
                        await checker.user_of(token)
                    except (CredentialsRefused, AuthUnavailable) as error:
                        chain: BaseException | None = error
                        while chain is not None:
                            texts.append(f"{chain} {chain!r} {vars(chain)}")
                            chain = chain.__cause__
                texts.append(repr(checker))
            if not round_:
                issuer.stop()
    # What the issuer's libraries log is the issuer's.
    ours = [line for line in caplog.records if not line.name.startswith(("authlib", "werkzeug"))]
    assert any(line.name.startswith("httpcore") for line in ours)
    texts += [f"{logs}", *(line.getMessage() for line in ours)]
    everything = "\n".join(texts)
    for secret in (*tokens, tokens[2].rpartition(".")[2], SECRET, "YSBzZWNyZXQ", "a+secret"):
        assert secret not in everything


# -- a foreign issuer: its ID tokens are JSON Web Tokens


FOREIGN = """
import sys, oidc_provider_mock
with oidc_provider_mock.run_server_in_thread() as server:
    print(server.server_port, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def foreign() -> Iterator[str]:
    """In a process of its own, which ends with its standard input."""
    with subprocess.Popen(
        [sys.executable, "-c", FOREIGN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield f"http://localhost:{int(process.stdout.readline())}"
        process.communicate()


async def test_a_token_of_oidc_provider_mock(foreign: str, make_checker: MakeChecker) -> None:
    redirect = "https://client.example.org/"
    query = {
        "client_id": "mail-program",
        "redirect_uri": redirect,
        "response_type": "code",
        "scope": "openid email",
    }
    async with httpx.AsyncClient(base_url=foreign, trust_env=False, timeout=PATIENCE) as client:
        answer = await client.post(
            "/oauth2/authorize", params=query, data={"sub": "alice@example.org"}
        )
        form = {
            "grant_type": "authorization_code",
            "code": answer.headers["location"].partition("code=")[2].partition("&")[0],
            "client_id": "mail-program",
            "client_secret": "any",
            "redirect_uri": redirect,
        }
        tokens = (await client.post("/oauth2/token", data=form)).raise_for_status().json()
    settings = OAuthSettings(issuer=foreign, audience=("mail-program",), user_claim="sub")
    checker = make_checker(settings)
    assert await checker.user_of(tokens["id_token"]) == "alice@example.org"
    assert "no signed" in await refusal(checker, tokens["access_token"])
    elsewhere = OAuthSettings(issuer=f"{foreign}/", audience=("mail-program",))
    with pytest.raises(AuthUnavailable, match="exactly"):
        await make_checker(elsewhere).user_of(tokens["id_token"])
