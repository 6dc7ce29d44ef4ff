"""OAUTHBEARER (RFC 7628) and XOAUTH2 on the server."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.model import Identity
from pillarbox.sasl.bearer import (
    BearerClient,
    BearerServer,
    OAuthBearerClient,
    OAuthBearerServer,
    XOAuth2Client,
    XOAuth2Server,
)
from pillarbox.sasl.claims import TokenClaim
from pillarbox.sasl.client import Credentials
from pillarbox.sasl.mechanism import Challenge, ExchangeRefused, SaslError
from pillarbox.sasl.surroundings import TokenAdvice
from tests.sasl.dialogue import converse
from tests.sasl.surroundings import HERE
from tests.world import Accounts

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
PAIRS = [(OAuthBearerClient, OAuthBearerServer), (XOAuth2Client, XOAuth2Server)]
BOTH = pytest.mark.parametrize("kind", [OAuthBearerServer, XOAuth2Server])
EXAMPLE = (
    "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI"
    "HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
)
REFUSAL = (
    "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYX"
    "Rpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
)


def test_oauthbearer_as_in_the_rfc() -> None:
    """RFC 7628, section 4.1, with the optional host and port."""
    server = OAuthBearerServer(HERE)
    assert server.client_first
    assert server.step(None) == Challenge(b"")
    assert server.step(base64.b64decode(EXAMPLE)) == TokenClaim("user@example.com", TOKEN)
    assert server.accepted() is None


def test_the_refusal_as_in_the_rfc() -> None:
    """RFC 7628, section 4.3: the reason, and where tokens are to be had."""
    assert OAuthBearerServer(HERE).refused() == Challenge(base64.b64decode(REFUSAL))


def test_xoauth2_as_google_has_it() -> None:
    message = (
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNr"
        "QmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    )
    claim = XOAuth2Server(HERE).step(base64.b64decode(message))
    assert claim == TokenClaim(
        "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
    )
    around = HERE._replace(tokens=TokenAdvice(scope="https://mail.google.com/"))
    assert XOAuth2Server(around).refused() == Challenge(
        b'{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}'
    )


@pytest.mark.parametrize(
    ("kind", "said"),
    [(OAuthBearerServer, {"status": "invalid_token"}),
     (XOAuth2Server, {"status": "401", "schemes": "bearer"})],
)  # fmt: skip
def test_what_there_is_no_advice_about_is_left_out(
    kind: type[BearerServer], said: dict[str, str]
) -> None:
    assert json.loads(kind(HERE._replace(tokens=TokenAdvice())).refused().data) == said


names = st.text(st.characters(codec="utf-8", exclude_characters="\0\x01"), min_size=1, max_size=40)
tokens = st.from_regex(r"[A-Za-z0-9._~+/-]{1,60}={0,2}", fullmatch=True)


@pytest.mark.parametrize(("client", "server"), PAIRS)
@given(name=names, token=tokens, initial=st.booleans())
def test_our_client_is_understood(
    client: type[BearerClient], server: type[BearerServer], name: str, token: str, initial: bool
) -> None:
    one, other = client(Credentials(name, token=token)), server(HERE)
    if not initial:
        assert other.step(None) == Challenge(b"")
    assert other.step(one.step(None if initial else b"")) == TokenClaim(name, token)


@pytest.mark.parametrize(("client", "server"), PAIRS)
@pytest.mark.parametrize("token", ["token-of-alice", "token-of-bob", "x"])
async def test_signing_in_with_our_client(
    client: type[BearerClient], server: type[BearerServer], token: str
) -> None:
    one = client(Credentials("alice", token=token))
    outcome = await converse(one, server(HERE), Accounts({"alice": "", "bob": ""}))
    right = token == "token-of-alice"
    assert outcome.identity == (Identity("alice") if right else None)
    assert one.done == right
    assert bool(one.reason) != right


def test_without_a_name_the_token_says_whose_it_is() -> None:
    claim = OAuthBearerServer(HERE).step(b"n,,\x01auth=Bearer t\x01\x01")
    assert claim == TokenClaim("", "t")


@pytest.mark.parametrize(
    "message",
    [
        b"y,a=a,\x01auth=Bearer t\x01\x01",
        b"n,a=a,\x01auth=bearer t\x01\x01",
        b"n,a=a,\x01auth=BEARER t\x01\x01",
        b"n,a=a,\x01port=110\x01host=x\x01auth=Bearer t\x01\x01",
        b"n,a=a,\x01auth=Bearer t\x01mthd=GET\x01path=/\x01post=\x01qs=\x01\x01",
    ],
)
def test_what_else_is_oauthbearer(message: bytes) -> None:
    assert OAuthBearerServer(HERE).step(message) == TokenClaim("a", "t")


OAUTHBEARER = [
    b"",
    b"\x01",
    b"n",
    b"n,,",
    b"n,,\x01",
    b"n,,\x01\x01",
    b"n,,\x01auth=Bearer t",
    b"n,,\x01auth=Bearer t\x01",
    b"n,,auth=Bearer t\x01\x01",
    b"n,,\x01auth=Bearer t\x01\x01\x01",
    b"n,,\x01auth=Bearer t\x01\x01x",
    b"n,,\x01auth=Bearer t\x01auth=Bearer u\x01\x01",
    b"n,,\x01auth=Bearer t\x01host=a\x01host=b\x01\x01",
    b"n,,\x01host=a\x01\x01",
    b"n,,\x01auth\x01\x01",
    b"n,,\x01=Bearer t\x01\x01",
    b"n,,\x01au-th=Bearer t\x01\x01",
    b"n,,\x01auth=Bearer t\0\x01\x01",
    b"n,,\x01auth=Bearer t\xff\x01\x01",
    b"n,,\x01auth=Bearer\x01\x01",
    b"n,,\x01auth=Bearer \x01\x01",
    b"n,,\x01auth=Bearer t u\x01\x01",
    b"n,,\x01auth=Bearer t\r\n\x01\x01",
    b"n,,\x01auth=Bearer a=b\x01\x01",
    b"n,,\x01auth=Basic t\x01\x01",
    b"n,,\x01auth=t\x01\x01",
    b"n,a=,\x01auth=Bearer t\x01\x01",
    b"n,a=x=y,\x01auth=Bearer t\x01\x01",
    b"n,x,\x01auth=Bearer t\x01\x01",
    b"p=tls-exporter,,\x01auth=Bearer t\x01\x01",
    b"user=a\x01auth=Bearer t\x01\x01",
]
XOAUTH2 = [
    b"",
    b"\x01",
    b"user=a",
    b"user=a\x01",
    b"user=a\x01auth=Bearer t",
    b"user=a\x01auth=Bearer t\x01",
    b"user=a\x01auth=Bearer t\x01\x01\x01",
    b"user=\x01auth=Bearer t\x01\x01",
    b"auth=Bearer t\x01user=a\x01\x01",
    b"User=a\x01auth=Bearer t\x01\x01",
    b"user=a\0\x01auth=Bearer t\x01\x01",
    b"user=a\x01auth=Bearer t\x01host=b\x01\x01",
    b"user=a\x01auth=Bearer t u\x01\x01",
    b"user=a\x01auth=Basic t\x01\x01",
    b"user=a\x01auth=Bearer \xff\x01\x01",
    b"n,,\x01auth=Bearer t\x01\x01",
]


@pytest.mark.parametrize(
    ("kind", "message"),
    [(OAuthBearerServer, each) for each in OAUTHBEARER] + [(XOAuth2Server, each) for each in XOAUTH2],
)  # fmt: skip
def test_what_cannot_be_understood_is_a_bad_request(
    kind: type[BearerServer], message: bytes
) -> None:
    """RFC 7628, section 3.2.2, and RFC 6750, section 3.1; Google's "400"."""
    with pytest.raises(ExchangeRefused) as caught:
        kind(HERE).step(message)
    status = "invalid_request" if kind is OAuthBearerServer else "400"
    assert json.loads(caught.value.last_word)["status"] == status
    assert caught.value.reason == status


@pytest.mark.parametrize(
    ("kind", "message"),
    [(OAuthBearerServer, b"n,a=u,\x01host=x\x01port=143\x01auth=\x01\x01"),
     (XOAuth2Server, b"user=u\x01auth=\x01\x01")],
)  # fmt: skip
def test_who_has_no_token_is_told_where_to_get_one(
    kind: type[BearerServer], message: bytes
) -> None:
    """RFC 7628, section 4.3."""
    with pytest.raises(ExchangeRefused) as caught:
        kind(HERE).step(message)
    assert caught.value.last_word == kind(HERE).refused().data
    assert caught.value.name == "u"


@BOTH
def test_a_large_token_passes(kind: type[BearerServer]) -> None:
    """Tokens with many groups in them are larger than 4,096 characters."""
    token = "a" * 12_000
    message = {
        OAuthBearerServer: b"n,a=u,\x01auth=Bearer %b\x01\x01",
        XOAuth2Server: b"user=u\x01auth=Bearer %b\x01\x01",
    }[kind]
    assert kind(HERE).step(message % token.encode()) == TokenClaim("u", token)


@BOTH
def test_it_is_offered_only_where_tokens_can_be_checked(kind: type[BearerServer]) -> None:
    assert kind.possible(HERE)
    assert kind.possible(HERE._replace(tokens=TokenAdvice()))
    assert not kind.possible(HERE._replace(tokens=None))
    assert kind.plaintext


@BOTH
@given(message=st.binary(max_size=80) | st.sampled_from(OAUTHBEARER + XOAUTH2))
def test_whatever_comes_only_sasl_errors_come_of_it(
    kind: type[BearerServer], message: bytes
) -> None:
    try:
        step = kind(HERE).step(message)
    except SaslError:
        return
    assert isinstance(step, TokenClaim)


def test_a_token_is_in_no_repr_and_in_no_error() -> None:
    claim = OAuthBearerServer(HERE).step(b"n,a=user,\x01auth=Bearer secret\x01\x01")
    assert "user" in repr(claim)
    assert "secret" not in repr(claim)
    with pytest.raises(ExchangeRefused) as caught:
        OAuthBearerServer(HERE).step(b"n,a=user,\x01auth=Bearer secret secret\x01\x01")
    assert "secret" not in f"{caught.value} {caught.value!r} {caught.value.last_word!r}"
