"""Asking an issuer: authlib's endpoint, and others that do not behave (RFC 7662)."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from pillarbox.auth.oauth import introspection, web
from pillarbox.auth.oauth.checker import ANSWER_SECONDS, REFUSAL_SECONDS
from pillarbox.auth.oauth.introspection import PARALLEL
from pillarbox.auth.oauth.settings import OAuthSettings
from pillarbox.auth.oauth.web import Web
from pillarbox.contracts.errors import AuthUnavailable, CredentialsRefused
from tests.auth.oauth.conftest import Clocks, MakeChecker, MakeIssuer
from tests.auth.oauth.hostile import Hostile, hostile, ok
from tests.auth.oauth.issuer import AUDIENCE, SECRET, SERVER, Issuer


def of(server: Issuer, /, **changes: Any) -> OAuthSettings:
    settings: dict[str, Any] = {
        "issuer": server.url,
        "audience": (AUDIENCE,),
        "introspection": f"{server.url}/introspect",
        "client_id": SERVER,
        "client_secret": SECRET,
    }
    return OAuthSettings(**(settings | changes))


def says(**fields: Any) -> bytes:
    return ok(json.dumps(fields).encode())


async def test_an_opaque_token_is_its_users(
    make_issuer: MakeIssuer, make_checker: MakeChecker
) -> None:
    issuer = make_issuer(opaque=True)
    checker = make_checker(of(issuer, scopes=("pop",)))
    assert await checker.user_of(await issuer.token("alice")) == "alice"
    assert await checker.user_of(await issuer.token("bob")) == "bob"
    with pytest.raises(CredentialsRefused, match="not active"):
        await checker.user_of("never-given-out")
    with pytest.raises(CredentialsRefused, match="not good for"):
        await checker.user_of(await issuer.token("alice", scope="openid email"))


@pytest.mark.parametrize(
    "changes", [{"audience": ("else",)}, {"issuer": "https://else.example.org"}]
)
async def test_an_opaque_token_for_others(
    make_issuer: MakeIssuer, make_checker: MakeChecker, changes: dict[str, Any]
) -> None:
    issuer = make_issuer(opaque=True)
    with pytest.raises(CredentialsRefused, match="another"):
        await make_checker(of(issuer, **changes)).user_of(await issuer.token())


async def test_an_answer_counts_for_a_while_and_then_a_revocation_is_seen(
    make_issuer: MakeIssuer, make_checker: MakeChecker, clocks: Clocks
) -> None:
    issuer = make_issuer(opaque=True)
    checker, token = make_checker(of(issuer)), await issuer.token()
    await checker.user_of(token)
    issuer.tokens[token].revoked = True
    before = issuer.asked["/introspect"]
    clocks.move(ANSWER_SECONDS - 1)
    assert await checker.user_of(token) == "alice"
    assert issuer.asked["/introspect"] == before
    clocks.move(1)
    with pytest.raises(CredentialsRefused):
        await checker.user_of(token)
    assert issuer.asked["/introspect"] == before + 1


async def test_a_refusal_is_remembered_shortly(
    make_issuer: MakeIssuer, make_checker: MakeChecker, clocks: Clocks
) -> None:
    issuer = make_issuer(opaque=True)
    checker = make_checker(of(issuer))
    for _ in range(5):
        with pytest.raises(CredentialsRefused, match="not active"):
            await checker.user_of("wrong")
    asked = issuer.asked["/introspect"]
    assert asked == 2  # authlib takes the secret in the second way of writing it
    clocks.move(REFUSAL_SECONDS)
    with pytest.raises(CredentialsRefused):
        await checker.user_of("wrong")
    assert issuer.asked["/introspect"] == asked + 1


async def test_a_wrong_secret_is_the_operators_fault_not_the_users(
    make_issuer: MakeIssuer, make_checker: MakeChecker
) -> None:
    issuer = make_issuer(opaque=True)
    checker = make_checker(of(issuer, client_secret="wrong"))
    with pytest.raises(AuthUnavailable, match=r"status 401.*client_id and the secret"):
        await checker.user_of(await issuer.token())


async def test_an_issuer_that_is_away_refuses_nobody_and_comes_back(
    make_issuer: MakeIssuer, make_checker: MakeChecker
) -> None:
    issuer = make_issuer(opaque=True)
    checker, token = make_checker(of(issuer)), await issuer.token()
    issuer.stop()
    with pytest.raises(AuthUnavailable, match="cannot be reached"):
        await checker.user_of(token)
    issuer.start()
    assert await checker.user_of(token) == "alice"


# -- servers of the tests' own


def bare(it: Hostile, **changes: Any) -> OAuthSettings:
    return OAuthSettings(introspection=it.url, client_secret="the-secret", **changes)


async def test_rfc_7662_section_2_1_what_is_asked(make_checker: MakeChecker) -> None:
    async with hostile(says(active=True, username="alice")) as it:
        assert await make_checker(bare(it)).user_of("a+b/c==") == "alice"
    head, _, body = it.heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /it HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer the-secret\r\n" in head
    assert b"application/x-www-form-urlencoded" in head
    assert parse_qs(body.decode()) == {"token": ["a+b/c=="], "token_type_hint": ["access_token"]}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "status 500"),
        (b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}", "status 400"),
        (b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "let this server ask"),
        (
            b"HTTP/1.1 307 There\r\nLocation: https://else/\r\nContent-Length: 0\r\n\r\n",
            "status 307",
        ),
        (ok(b"active"), "JSON"),
        (ok(b'[{"active": true}]'), "JSON"),
    ],
)
async def test_what_is_no_answer_is_nobodys_fault(
    make_checker: MakeChecker, answer: bytes, why: str
) -> None:
    async with hostile(answer) as it:
        checker = make_checker(bare(it))
        for _ in range(2):  # and nothing is remembered
            with pytest.raises(AuthUnavailable, match=why):
                await checker.user_of("token")
        assert len(it.heard) == 2


async def test_another_claim_can_name_the_user(make_checker: MakeChecker) -> None:
    async with hostile(says(active=True, username="x", email="alice@example.org")) as it:
        assert await make_checker(bare(it, user_claim="email")).user_of("t") == "alice@example.org"


async def test_questions_at_once_are_bounded_and_so_is_the_line(
    make_checker: MakeChecker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(introspection, "MAX_WAITING", PARALLEL + 2)
    monkeypatch.setattr(web, "MAX_CONNECTIONS", 1000)  # a wait for one of these has little time
    now, most, all_there = 0, 0, asyncio.Event()

    async def slow(it: Hostile, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == PARALLEL:
            all_there.set()
        await it.go_on.wait()
        now -= 1
        writer.write(says(active=True, username="alice"))

    async with hostile(slow) as it:
        checker = make_checker(bare(it))
        line = [asyncio.create_task(checker.user_of(f"t{n}")) for n in range(PARALLEL + 2)]
        await all_there.wait()
        with pytest.raises(AuthUnavailable, match="wait for their issuer"):
            await checker.user_of("one-more")
        line.pop().cancel()  # somebody hangs up
        await asyncio.wait({asyncio.create_task(asyncio.sleep(0))})
        it.go_on.set()
        assert set(await asyncio.gather(*line)) == {"alice"}
        assert most == PARALLEL
        assert await checker.user_of("one-more") == "alice"


async def test_who_is_slow_is_not_waited_for(make_checker: MakeChecker) -> None:
    async def never(it: Hostile, _: asyncio.StreamWriter) -> None:
        await it.go_on.wait()

    async with hostile(never) as it:
        checker = make_checker(bare(it), Web(answer_seconds=0.05))
        with pytest.raises(AuthUnavailable, match="does not answer"):
            await checker.user_of("token")


@pytest.mark.parametrize(
    ("client_id", "secret", "headers"),
    [
        ("pop3", "secret", ["Basic cG9wMzpzZWNyZXQ="]),
        ("pop3", "a b", ["Basic cG9wMzphK2I=", "Basic cG9wMzphIGI="]),  # pop3:a+b, pop3:a b
        ("", "a-token", ["Bearer a-token"]),
    ],
)
def test_rfc_6749_section_2_3_1_a_secret_is_written_as_in_a_form_and_then_as_it_is(
    client_id: str, secret: str, headers: list[str]
) -> None:
    assert list(introspection.authorizations(client_id, secret)) == headers
