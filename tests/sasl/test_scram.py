"""SCRAM on the client, against RFC 5802, RFC 7677 and a server written from them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.sasl.client import ChannelBinding, Credentials, SaslError
from pillarbox.sasl.prep import saslprep
from pillarbox.sasl.scram import (
    ScramClient,
    ScramSha1Client,
    ScramSha1PlusClient,
    ScramSha256Client,
    ScramSha256PlusClient,
)
from pillarbox.sasl.scram_messages import MAX_ITERATIONS, MIN_ITERATIONS
from tests.sasl.scram_server import ScramRefused, ScramServer

USER = Credentials("user", "pencil")
BINDING = ChannelBinding("tls-exporter", bytes(range(32)))

VECTORS = [
    pytest.param(
        ScramSha1Client,
        "fyko+d2lbbFgONRv9qkxdawL",
        b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        id="RFC 5802, section 5",
    ),
    pytest.param(
        ScramSha256Client,
        "rOprNGfwEbeRWgbNEkqO",
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        id="RFC 7677, section 3",
    ),
]


@pytest.mark.parametrize("opening", [None, b""], ids=["initial response", "two steps"])
@pytest.mark.parametrize(
    ("mechanism", "nonce", "first", "server_first", "final", "server_final"), VECTORS
)
def test_the_rfcs_examples(
    mechanism: type[ScramClient],
    nonce: str,
    first: bytes,
    server_first: bytes,
    final: bytes,
    server_final: bytes,
    opening: bytes | None,
) -> None:
    client = mechanism(USER, nonce=nonce)
    assert client.client_first
    assert client.step(opening) == first
    assert not client.done
    assert client.step(server_first) == final
    assert not client.done, "the server has not proved itself yet"
    assert client.step(server_final) == b""
    assert client.done


def test_a_server_that_ignores_the_initial_response_gets_the_same_again() -> None:
    client = ScramSha256Client(USER)
    first = client.step(None)
    assert client.step(b"") == first
    with pytest.raises(SaslError, match="first SCRAM message is malformed"):
        client.step(b"")  # once; it was asked for this time


def converse(client: ScramClient, server: ScramServer) -> bool:
    """Both ends to the end; whether the client believes that it has signed in."""
    client.step(server.hear_final(client.step(server.hear_first(client.step(None)))))
    return client.done


def prepared(text: str) -> bool:
    try:
        return bool(saslprep(text, unassigned=True))
    except ValueError:
        return False


words = st.text(min_size=1, max_size=20).filter(prepared)


@settings(max_examples=60, deadline=None)  # thousands of rounds of hashing each
@given(name=words, password=words, salt=st.binary(min_size=1, max_size=40),
       nonce=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=","),
                     min_size=1, max_size=30),
       authorize_as=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10),
       plus=st.booleans(), data=st.binary(max_size=64), sha1=st.booleans())  # fmt: skip
def test_any_name_and_password_sign_in(
    name: str,
    password: str,
    salt: bytes,
    nonce: str,
    authorize_as: str,
    plus: bool,
    data: bytes,
    sha1: bool,
) -> None:
    users = {saslprep(name, unassigned=True): saslprep(password, unassigned=True)}
    server = ScramServer(
        "sha1" if sha1 else "sha256", users, salt=salt, nonce=nonce, plus=plus,
        binding=("tls-exporter", data),
    )  # fmt: skip
    kind = {
        (True, True): ScramSha1PlusClient,
        (True, False): ScramSha1Client,
        (False, True): ScramSha256PlusClient,
        (False, False): ScramSha256Client,
    }[sha1, plus]
    credentials = Credentials(name, password, authorize_as=authorize_as)
    client = kind(credentials, ChannelBinding("tls-exporter", data) if plus else None)
    assert converse(client, server)
    assert server.signed_in == saslprep(name, unassigned=True)
    assert server.authorize_as == authorize_as


def test_no_two_exchanges_have_one_nonce() -> None:
    nonces = {ScramSha256Client(USER).step(None) for _ in range(50)}
    assert len(nonces) == 50


def test_a_wrong_password_is_refused_by_the_server() -> None:
    with pytest.raises(ScramRefused, match="invalid-proof"):
        converse(ScramSha256Client(USER), ScramServer("sha256", {"user": "pen"}))


def test_a_server_that_does_not_know_the_password_is_found_out() -> None:
    client = ScramSha256Client(USER)
    liar = ScramServer("sha256", {"user": "guess"})
    final = client.step(liar.hear_first(client.step(None)))
    assert final
    with pytest.raises(SaslError, match="does not know the password") as caught:
        client.step(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert "pencil" not in str(caught.value)
    assert not client.done


def test_channel_binding_catches_whoever_sits_in_between() -> None:
    server = ScramServer(
        "sha256", {"user": "pencil"}, plus=True, binding=("tls-exporter", b"the other side")
    )
    with pytest.raises(ScramRefused, match="channel-bindings-dont-match"):
        converse(ScramSha256PlusClient(USER, BINDING), server)


def test_the_y_flag_tells_a_server_that_its_plus_was_taken_away() -> None:
    server = ScramServer("sha256", {"user": "pencil"}, announced_plus=True)
    with pytest.raises(ScramRefused, match="server-does-support-channel-binding"):
        converse(ScramSha256Client(USER, would_bind=True), server)


def test_the_y_flag_is_harmless_where_there_is_no_plus() -> None:
    server = ScramServer("sha256", {"user": "pencil"})
    assert converse(ScramSha256Client(USER, would_bind=True), server)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (b"server-does-support-channel-binding", "has removed the -PLUS mechanisms"),
        (b"unsupported-channel-binding-type", "cannot bind the password"),
        (b"unknown-user", "the name is unknown"),
        (b"x", "a reason that SCRAM does not have"),
    ],
)
def test_an_error_may_come_at_once(error: bytes, reason: str) -> None:
    """RFC 5802 has it in the last message; what is wrong with the first can be said before."""
    client = ScramSha256Client(USER, would_bind=True)
    client.step(None)
    assert client.step(b"e=" + error) == b""
    assert reason in client.reason
    assert not client.done
    with pytest.raises(SaslError, match="more than"):
        client.step(b"e=" + error)


SERVER_FIRST = [
    b"",
    b"r=NONCEmore",
    b"r=NONCEmore,s=c2FsdA==",
    b"r=NONCEmore,i=4096,s=c2FsdA==",
    b"s=c2FsdA==,r=NONCEmore,i=4096",
    b"r=NONCEmore,s=,i=4096",
    b"r=NONCEmore,s=c2FsdA,i=4096",
    b"r=NONCEmore,s=c2FsdB==,i=4096",  # bits that padding drops
    b"r=NONCEmore,s=c2F=dA==,i=4096",
    b"r=NONCEmore,s=====,i=4096",
    b"r=NONCEmore,s=c2FsdA==,i=",
    b"r=NONCEmore,s=c2FsdA==,i=04096",
    b"r=NONCEmore,s=c2FsdA==,i=-4096",
    b"r=NONCEmore,s=c2FsdA==,i=4096.0",
    b"r=NONCEmore,s=c2FsdA==,i=0x1000",
    b"r=NONCEmore,s=c2FsdA==,i=4096 ",
    b"r=NONCEmore,s=c2FsdA==,i=4096,",
    b"r=NONCEmore,s=c2FsdA==,i=4096,x",
    b"r=NONCEmore,s=c2FsdA==,i=4096\n",
    b"r=NONCE more,s=c2FsdA==,i=4096",
    b"r=NONCE\xc3\xa9,s=c2FsdA==,i=4096",
    b"m=must,r=NONCEmore,s=c2FsdA==,i=4096",
    b"r=NONCE,s=c2FsdA==,i=4096",  # nothing of the server's
    b"r=NONCmore,s=c2FsdA==,i=4096",
    b"r=nonceMORE,s=c2FsdA==,i=4096",
    b"r=moreNONCE,s=c2FsdA==,i=4096",
    b"r=,s=c2FsdA==,i=4096",
    b"e=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    b'{"status":"invalid_token"}',
    b"\xff\xfe",
]


@pytest.mark.parametrize("message", SERVER_FIRST)
def test_a_malformed_first_message_ends_the_exchange(message: bytes) -> None:
    client = ScramSha256Client(USER, nonce="NONCE")
    client.step(b"")
    with pytest.raises(SaslError):
        client.step(message)
    assert not client.done


@pytest.mark.parametrize(
    "iterations", [1, MIN_ITERATIONS - 1, MAX_ITERATIONS + 1, 2**31, 9_999_999_999, 10**30]
)
def test_neither_cheap_guesses_nor_endless_work(iterations: int) -> None:
    client = ScramSha256Client(USER, nonce="NONCE")
    client.step(None)
    with pytest.raises(SaslError):
        client.step(f"r=NONCEmore,s=c2FsdA==,i={iterations}".encode())


def test_extensions_at_the_end_mean_nothing_but_are_signed() -> None:
    server = ScramServer("sha256", {"user": "pencil"}, extensions=",x=1,y=what=ever")
    assert converse(ScramSha256Client(USER), server)


SERVER_FINAL = [
    b"",
    b"v=",
    b"e=",
    b"v=c2hvcnQ=",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=x",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKR=",
    b" v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,",
    b"x=1,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    b"\xff",
]


def half_way() -> ScramClient:
    """The exchange of RFC 5802 up to the server's last message."""
    client = ScramSha1Client(USER, nonce="fyko+d2lbbFgONRv9qkxdawL")
    client.step(None)
    client.step(b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096")
    return client


@pytest.mark.parametrize("message", SERVER_FINAL)
def test_a_malformed_last_message_is_no_success(message: bytes) -> None:
    client = half_way()
    with pytest.raises(SaslError):
        client.step(message)
    assert not client.done


def test_extensions_behind_the_signature_mean_nothing() -> None:
    client = half_way()
    assert client.step(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=,x=1") == b""
    assert client.done


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("invalid-proof", "password is wrong"),
        ("unknown-user", "name is unknown"),
        ("channel-bindings-dont-match", "somebody between"),
        ("server-does-support-channel-binding", "removed the -PLUS"),
        ("unsupported-channel-binding-type", "cannot bind"),
        ("\x1b[31mred", "a reason that SCRAM does not have"),
    ],
)
def test_a_refusal_is_answered_with_nothing_and_its_reason_kept(error: str, words: str) -> None:
    client = half_way()
    assert client.step(f"e={error}".encode()) == b""
    assert not client.done
    assert words in client.reason
    with pytest.raises(SaslError, match="more than"):
        client.step(b"")


@pytest.mark.parametrize("more", [b"", b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", b"more"])
def test_behind_the_end_there_is_nothing(more: bytes) -> None:
    client = half_way()
    client.step(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")
    with pytest.raises(SaslError, match="more than SCRAM-SHA-1 has to say"):
        client.step(more)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=3))
def test_no_server_gets_anything_but_a_sasl_error_out_of_it(messages: list[bytes]) -> None:
    client = ScramSha256Client(USER)
    client.step(b"")
    for message in messages:
        with pytest.raises(SaslError):
            client.step(message)
    assert not client.done


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials("user"),
        Credentials("user", ""),
        Credentials("", "pencil"),
        Credentials("us\0er", "pencil"),
        Credentials("us\x07er", "pencil"),
        Credentials("user", "pen\x07cil"),
        Credentials("user", "pen\udcffcil"),
        Credentials("user", "pencil", authorize_as="a\0b"),
        Credentials("user", "pencil", authorize_as="\ud800"),
    ],
)
def test_what_scram_cannot_carry_is_said_without_the_password(credentials: Credentials) -> None:
    client = ScramSha256Client(credentials, nonce="NONCE")
    with pytest.raises(SaslError) as caught:  # noqa: PT012 -- either may be the one
        client.step(b"")
        client.step(b"r=NONCEmore,s=c2FsdA==,i=4096")
    assert "pen" not in str(caught.value)
