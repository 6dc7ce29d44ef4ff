"""OAUTHBEARER (RFC 7628) and XOAUTH2 on the client."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.sasl.bearer import MAX_STATUS, BearerClient, OAuthBearerClient, XOAuth2Client
from pillarbox.sasl.client import Credentials, SaslError

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
USER = Credentials("user@example.com", token=TOKEN)
BOTH = pytest.mark.parametrize("mechanism", [OAuthBearerClient, XOAuth2Client])


@pytest.mark.parametrize("opening", [None, b""])
def test_oauthbearer_as_in_the_rfc(opening: bytes | None) -> None:
    """RFC 7628, section 4.1, without the optional host and port."""
    client = OAuthBearerClient(USER)
    assert client.client_first
    message = b"n,a=user@example.com,\x01auth=Bearer " + TOKEN.encode() + b"\x01\x01"
    assert client.step(opening) == message
    assert client.done


@pytest.mark.parametrize("opening", [None, b""])
def test_xoauth2_as_google_has_it(opening: bytes | None) -> None:
    token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
    client = XOAuth2Client(Credentials("someuser@example.com", token=token))
    assert base64.b64encode(client.step(opening)) == (
        b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNr"
        b"QmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    )
    assert client.done


def test_names_are_escaped_in_the_gs2_header() -> None:
    client = OAuthBearerClient(Credentials("a,b=c@example.com", token="t"))
    assert client.step(None).startswith(b"n,a=a=2Cb=3Dc@example.com,\x01")


def test_acting_for_somebody_else() -> None:
    client = OAuthBearerClient(Credentials("me", token="t", authorize_as="her"))
    assert client.step(None).startswith(b"n,a=her,\x01")


@pytest.mark.parametrize(
    ("mechanism", "answer"), [(OAuthBearerClient, b"\x01"), (XOAuth2Client, b"")]
)
def test_a_failure_is_answered_and_its_status_is_the_reason(
    mechanism: type[BearerClient], answer: bytes
) -> None:
    """RFC 7628, sections 3.2.2, 3.2.3 and 4.3."""
    client = mechanism(USER)
    client.step(None)
    challenge = (
        b'{"status":"invalid_token","schemes":"bearer mac","scope":"https://mail.google.com/"}'
    )
    assert client.step(challenge) == answer
    assert not client.done
    assert client.reason == "it does not take the access token (invalid_token)"
    with pytest.raises(SaslError, match="more than"):
        client.step(challenge)


@BOTH
def test_a_server_that_ignores_the_initial_response_gets_it_again_once(
    mechanism: type[BearerClient],
) -> None:
    client = mechanism(USER)
    first = client.step(None)
    assert client.step(b"") == first
    assert client.done
    client.step(b"")
    assert not client.done
    assert "no reason given" in client.reason


@BOTH
@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"status"',
        b"{}",
        b"\xff\xfe\xfd",
        b"[" * 5000,
    ],
)
def test_garbage_instead_of_a_status_is_no_reason_but_a_failure(
    mechanism: type[BearerClient], challenge: bytes
) -> None:
    client = mechanism(USER)
    client.step(b"")
    client.step(challenge)
    assert not client.done
    assert client.reason == "it does not take the access token (no reason given)"


@BOTH
@given(st.text() | st.integers() | st.none() | st.lists(st.text()))
def test_what_is_shown_of_a_status_is_short_and_printable(
    mechanism: type[BearerClient], status: object
) -> None:
    client = mechanism(USER)
    client.step(b"")
    client.step(json.dumps({"status": status}).encode())
    assert client.reason.isprintable()
    assert client.reason.isascii()
    assert len(client.reason) <= MAX_STATUS + len("it does not take the access token ()")


@BOTH
@pytest.mark.parametrize("token", [None, "", "a b", "a\x01b", "a\r\nb", "é", "=", "a=b"])
def test_a_token_that_is_none_is_not_sent(mechanism: type[BearerClient], token: str | None) -> None:
    client = mechanism(Credentials("user", token=token))
    with pytest.raises(SaslError, match="access token") as caught:
        client.step(None)
    assert not token or len(token) == 1 or token not in str(caught.value)
    assert not client.done


@BOTH
@pytest.mark.parametrize("name", ["a\0b", "a\x01auth=Bearer another", "\x01"])
def test_a_name_cannot_end_before_its_end(mechanism: type[BearerClient], name: str) -> None:
    with pytest.raises(SaslError, match="control characters"):
        mechanism(Credentials(name, token="t")).step(None)


def test_xoauth2_needs_a_name_and_oauthbearer_does_not() -> None:
    nobody = Credentials("", token="t")
    assert OAuthBearerClient(nobody).step(None) == b"n,,\x01auth=Bearer t\x01\x01"
    with pytest.raises(SaslError, match="name is needed"):
        XOAuth2Client(nobody).step(None)
