"""PLAIN (RFC 4616) and LOGIN as step machines."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.sasl.claims import PasswordClaim
from pillarbox.sasl.mechanism import Challenge, SaslError
from pillarbox.sasl.server import MECHANISMS
from pillarbox.wire.errors import CommandRefused
from pillarbox.wire.server import decode_base64
from tests.sasl.surroundings import HERE

field = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)


@given(name=field, password=field)
def test_plain_carries_any_name_and_password(name: str, password: str) -> None:
    claim = MECHANISMS["PLAIN"](HERE).step(f"\0{name}\0{password}".encode())
    assert claim == PasswordClaim(name, password)


@given(name=field, password=field)
def test_plain_accepts_ones_own_authorization_identity(name: str, password: str) -> None:
    claim = MECHANISMS["PLAIN"](HERE).step(f"{name}\0{name}\0{password}".encode())
    assert claim == PasswordClaim(name, password)


def test_plain_asks_with_an_empty_challenge() -> None:
    mechanism = MECHANISMS["PLAIN"](HERE)
    assert mechanism.client_first
    assert mechanism.step(None) == Challenge(b"")
    assert mechanism.step(b"\0a\0b") == PasswordClaim("a", "b")


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"\0",
        b"\0\0",
        b"a",
        b"a\0b",
        b"\0a\0",
        b"\0\0b",
        b"\0a\0b\0",
        b"a\0b\0c\0d",
        b"x\0a\0b",
    ],
)
def test_plain_refuses_what_is_not_plain(response: bytes) -> None:
    with pytest.raises(SaslError):
        MECHANISMS["PLAIN"](HERE).step(response)


@given(st.binary(max_size=60))
def test_plain_never_fails_otherwise(response: bytes) -> None:
    """CVE-2019-10691: bad UTF-8 in a login must not bring the process down."""
    try:
        step = MECHANISMS["PLAIN"](HERE).step(response)
    except SaslError:
        return
    assert isinstance(step, PasswordClaim)
    name, password = response.split(b"\0")[1:]
    assert step.name.encode("utf-8", "surrogateescape") == name
    assert step.password.encode("utf-8", "surrogateescape") == password


@given(name=field, password=field)
def test_login_asks_for_both(name: str, password: str) -> None:
    mechanism = MECHANISMS["LOGIN"](HERE)
    assert mechanism.step(None) == Challenge(b"Username:")
    assert mechanism.step(name.encode()) == Challenge(b"Password:")
    assert mechanism.step(password.encode()) == PasswordClaim(name, password)


@given(name=field, password=field)
def test_login_takes_the_name_as_an_initial_response(name: str, password: str) -> None:
    mechanism = MECHANISMS["LOGIN"](HERE)
    assert mechanism.client_first
    assert mechanism.step(name.encode()) == Challenge(b"Password:")
    assert mechanism.step(password.encode()) == PasswordClaim(name, password)


@pytest.mark.parametrize("responses", [[b""], [b"name", b""]])
def test_login_refuses_empty_answers(responses: list[bytes]) -> None:
    mechanism = MECHANISMS["LOGIN"](HERE)
    mechanism.step(None)
    for response in responses[:-1]:
        mechanism.step(response)
    with pytest.raises(SaslError):
        mechanism.step(responses[-1])


def test_an_error_text_never_holds_what_the_client_sent() -> None:
    with pytest.raises(SaslError) as caught:
        MECHANISMS["PLAIN"](HERE).step(b"x\0mrose\0hunter2")
    assert "hunter2" not in str(caught.value)
    assert "mrose" not in str(caught.value)


def test_exchanges_share_nothing() -> None:
    one, other = MECHANISMS["LOGIN"](HERE), MECHANISMS["LOGIN"](HERE)
    one.step(None)
    one.step(b"alice")
    assert other.step(None) == Challenge(b"Username:")
    assert other.step(b"bob") == Challenge(b"Password:")
    assert one.step(b"secret") == PasswordClaim("alice", "secret")


@given(st.binary(max_size=60))
def test_base64_is_read(data: bytes) -> None:
    assert decode_base64(base64.b64encode(data)) == data


@pytest.mark.parametrize(
    "text",
    ["A", "AA", "AAA", "A===", "=", "====", "AAAA=", "AA==AA==", "AAAA ", " AAAA", "AA AA", "AA\tAA",
     "AAAA\r", "AA-_", "AÄ==", "\udcff", "AAAA*"],
)  # fmt: skip
def test_base64_is_strict(text: str) -> None:
    """RFC 5034, section 4, and RFC 4648, sections 3.3 to 3.5."""
    with pytest.raises(CommandRefused):
        decode_base64(text)
