"""The clients' sides of PLAIN, LOGIN, EXTERNAL, CRAM-MD5, and APOP's digest."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.sasl.claims import PasswordClaim
from pillarbox.sasl.client import Credentials, SaslError
from pillarbox.sasl.digest import CramMd5Client, apop_digest
from pillarbox.sasl.external import ExternalClient
from pillarbox.sasl.login import LoginClient
from pillarbox.sasl.mechanism import Challenge
from pillarbox.sasl.plain import PlainClient
from pillarbox.sasl.server import MECHANISMS
from tests.sasl.surroundings import HERE

field = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
TIM = Credentials("tim", "tanstaaftanstaaf")


def test_plain_as_in_the_rfc() -> None:
    """RFC 4616, section 4."""
    assert PlainClient(TIM).step(None) == b"\0tim\0tanstaaftanstaaf"
    kurt = Credentials("Kurt", "xipj3plmq", authorize_as="Ursel")
    assert PlainClient(kurt).step(b"") == b"Ursel\0Kurt\0xipj3plmq"


@given(name=field, password=field, asked=st.booleans())
def test_plain_is_understood_by_our_server(name: str, password: str, asked: bool) -> None:
    client, server = PlainClient(Credentials(name, password)), MECHANISMS["PLAIN"](HERE)
    response = None
    if asked:
        assert server.step(None) == Challenge(b"")
        response = client.step(b"")
    else:
        response = client.step(None)
    assert server.step(response) == PasswordClaim(name, password)
    assert client.done


@given(st.binary(min_size=1, max_size=20).filter(lambda octets: b"\0" not in octets))
def test_octets_that_are_not_utf_8_pass_through_plain(octets: bytes) -> None:
    text = octets.decode("utf-8", "surrogateescape")
    assert PlainClient(Credentials(text, text)).step(None) == b"\0" + octets + b"\0" + octets


@pytest.mark.parametrize("mechanism", [PlainClient, ExternalClient])
def test_a_server_that_ignores_the_initial_response_gets_it_again_once(
    mechanism: type[PlainClient | ExternalClient],
) -> None:
    client = mechanism(TIM)
    first = client.step(None)
    assert client.step(b"") == first
    assert client.done
    with pytest.raises(SaslError, match="more than"):
        client.step(b"")


@pytest.mark.parametrize("mechanism", [PlainClient, ExternalClient])
@pytest.mark.parametrize("more", [b"more", b"\xff"])
def test_a_question_behind_the_end_is_out_of_place(
    mechanism: type[PlainClient | ExternalClient], more: bytes
) -> None:
    client = mechanism(TIM)
    client.step(None)
    with pytest.raises(SaslError, match="more than"):
        client.step(more)


@given(name=field, password=field)
def test_login_is_understood_by_our_server(name: str, password: str) -> None:
    client, server = LoginClient(Credentials(name, password)), MECHANISMS["LOGIN"](HERE)
    assert not client.client_first
    step = server.step(None)
    while isinstance(step, Challenge):
        assert not client.done
        step = server.step(client.step(step.data))
    assert step == PasswordClaim(name, password)
    assert client.done


@pytest.mark.parametrize(
    "questions",
    [
        [b"Username:", b"Password:"],
        [b"User Name\0", b"Password\0"],
        [b"", b""],
        [b"\xff\xfe", b"?"],
    ],
)
def test_login_counts_the_questions(questions: list[bytes]) -> None:
    client = LoginClient(TIM)
    assert [client.step(question) for question in questions] == [b"tim", b"tanstaaftanstaaf"]
    with pytest.raises(SaslError, match="more than LOGIN"):
        client.step(b"Password:")


def test_cram_md5_as_in_the_rfc() -> None:
    """RFC 2195, section 2."""
    client = CramMd5Client(TIM)
    assert not client.client_first
    answer = client.step(b"<1896.697170952@postoffice.reston.mci.net>")
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"
    assert client.done
    with pytest.raises(SaslError, match="more than CRAM-MD5"):
        client.step(b"<1896.697170952@postoffice.reston.mci.net>")


@given(name=field, password=field, challenge=st.binary(min_size=1, max_size=80))
def test_cram_md5_proves_any_password(name: str, password: str, challenge: bytes) -> None:
    answer = CramMd5Client(Credentials(name, password)).step(challenge)
    said, _, proof = answer.rpartition(b" ")
    assert said == name.encode()
    assert proof == hmac.new(password.encode(), challenge, "md5").hexdigest().encode()


@pytest.mark.parametrize("challenge", [b"", None])
def test_cram_md5_wants_a_challenge(challenge: bytes | None) -> None:
    with pytest.raises(SaslError, match="empty"):
        CramMd5Client(TIM).step(challenge)


def test_apop_as_in_the_rfc() -> None:
    """RFC 1939, section 7."""
    digest = apop_digest("<1896.697170952@dbc.mtview.ca.us>", "tanstaaf")
    assert digest == "c4c9334bac560ecc979e58001b3e22fb"


@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        "<>",
        "<a>",
        "<@>",
        "<a@>",
        "<@b>",
        "a@b",
        "<a@b",
        "a@b>",
        "<a@b>>",
        "<<a@b>",
        "<a b@c>",
        "<a@b>\n",
        "<a\x80@b>",
        "<\udcff@b>",
        "<a\0@b>",
        "<é@b>",
        "<a@b> <c@d>",
    ],
)
def test_cve_2007_1558_apop_takes_message_ids_only(timestamp: str) -> None:
    with pytest.raises(SaslError, match="timestamp"):
        apop_digest(timestamp, "tanstaaf")


def test_where_md5_is_forbidden_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine set up for FIPS, where OpenSSL raises this."""

    def forbidden(*_: object, **__: object) -> None:
        raise ValueError("[digital envelope routines] unsupported")

    monkeypatch.setattr(hmac, "digest", forbidden)
    monkeypatch.setattr(hashlib, "md5", forbidden)
    with pytest.raises(SaslError, match="does not allow MD5, which CRAM-MD5"):
        CramMd5Client(TIM).step(b"<a@b>")
    with pytest.raises(SaslError, match="does not allow MD5, which APOP"):
        apop_digest("<a@b>", "tanstaaf")


@pytest.mark.parametrize(
    ("credentials", "response"),
    [
        (Credentials("fred@example.com"), b"fred@example.com"),
        (Credentials("fred", authorize_as="anna"), b"anna"),
        (Credentials(""), b""),
    ],
)
@pytest.mark.parametrize("opening", [None, b""])
def test_external(credentials: Credentials, response: bytes, opening: bytes | None) -> None:
    client = ExternalClient(credentials)
    assert client.client_first
    assert client.step(opening) == response
    assert client.done


@pytest.mark.parametrize("mechanism", [PlainClient, LoginClient, CramMd5Client])
@pytest.mark.parametrize("password", [None, "", "pen\ud800cil"])
def test_a_password_that_is_none(
    mechanism: type[PlainClient | LoginClient | CramMd5Client], password: str | None
) -> None:
    with pytest.raises(SaslError) as caught:
        mechanism(Credentials("tim", password)).step(b"<a@b>")
    assert "pen" not in str(caught.value)


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials("", "pencil"),
        Credentials("a\0b", "pencil"),
        Credentials("a", "pen\0cil"),
        Credentials("a", "pencil", authorize_as="c\0"),
    ],
)
def test_what_plain_cannot_carry(credentials: Credentials) -> None:
    client = PlainClient(credentials)
    with pytest.raises(SaslError) as caught:
        client.step(None)
    assert "pen" not in str(caught.value)
    assert not client.done


def test_what_external_cannot_carry() -> None:
    with pytest.raises(SaslError, match="NUL"):
        ExternalClient(Credentials("a\0b")).step(None)


def test_credentials_keep_their_secrets_out_of_logs() -> None:
    credentials = Credentials("tim", "tanstaaf", "ya29.token")
    for text in (repr(credentials), str(credentials), f"{credentials}"):
        assert "tim" in text
        assert "tanstaaf" not in text
        assert "ya29" not in text
