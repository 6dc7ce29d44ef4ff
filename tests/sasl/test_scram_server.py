"""SCRAM on the server: the RFCs' examples, our own client, and everybody who means ill."""

from __future__ import annotations

import base64
import re
import secrets
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.model import Identity
from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.claims import ScramClaim
from pillarbox.sasl.client import Credentials, SaslError
from pillarbox.sasl.mechanism import Challenge, ExchangeRefused, Finished, KeysWanted
from pillarbox.sasl.prep import saslprep
from pillarbox.sasl.scram import (
    ScramClient,
    ScramServer,
    ScramSha1Client,
    ScramSha1PlusClient,
    ScramSha1PlusServer,
    ScramSha1Server,
    ScramSha256Client,
    ScramSha256PlusClient,
    ScramSha256PlusServer,
    ScramSha256Server,
)
from pillarbox.sasl.scram_messages import MAX_MESSAGE
from pillarbox.sasl.surroundings import Surroundings
from tests.sasl.dialogue import converse
from tests.sasl.surroundings import BINDING, EXPORTER, HERE
from tests.world import Accounts, scram_keys

USER = Credentials("user", "pencil")
SERVERS = [ScramSha1Server, ScramSha256Server, ScramSha1PlusServer, ScramSha256PlusServer]
PLUS = [ScramSha1PlusServer, ScramSha256PlusServer]
PLAIN = [ScramSha1Server, ScramSha256Server]


class Example(NamedTuple):
    """A dialogue as an RFC prints it."""

    server: type[ScramServer]
    salt: str
    nonce: str
    """The server's part."""
    client_first: bytes
    server_first: bytes
    client_final: bytes
    server_final: bytes


EXAMPLES = [
    pytest.param(
        Example(
            ScramSha1Server,
            "QSXCR+Q6sek8bf92",
            "3rfcNHYJY1ZVvWVs7j",
            b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        id="RFC 5802, section 5",
    ),
    pytest.param(
        Example(
            ScramSha256Server,
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
        id="RFC 7677, section 3",
    ),
]


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("asked", [False, True], ids=["initial response", "two steps"])
def test_the_rfcs_examples(example: Example, asked: bool) -> None:
    server = example.server(HERE, nonce=example.nonce)
    assert server.client_first
    if asked:
        assert server.step(None) == Challenge(b"")
    wanted = server.step(example.client_first)
    assert wanted == KeysWanted("user", server.hash_name)
    keys = scram_keys("pencil", server.hash_name, base64.b64decode(example.salt))
    assert server.go_on(keys) == Challenge(example.server_first)
    claim = server.step(example.client_final)
    assert claim == ScramClaim("user", server.hash_name, keys, proved=True)
    assert server.accepted() == Challenge(example.server_final)
    assert server.step(b"") == Finished()


def prepared(text: str) -> bool:
    try:
        return bool(saslprep(text))
    except ValueError:
        return False


words = st.text(min_size=1, max_size=20).filter(prepared)
PAIRS: list[tuple[type[ScramClient], type[ScramServer]]] = [
    (ScramSha1Client, ScramSha1Server),
    (ScramSha256Client, ScramSha256Server),
    (ScramSha1PlusClient, ScramSha1PlusServer),
    (ScramSha256PlusClient, ScramSha256PlusServer),
]


@settings(max_examples=100)
@given(name=words, password=words, pair=st.sampled_from(PAIRS), data=st.binary(max_size=64),
       initial=st.booleans(), own=st.booleans(), would_bind=st.booleans())  # fmt: skip
async def test_any_name_and_password_sign_in(
    name: str,
    password: str,
    pair: tuple[type[ScramClient], type[ScramServer]],
    data: bytes,
    initial: bool,
    own: bool,
    would_bind: bool,
) -> None:
    """Also with the client's own name as the identity to act for, and with the "y" flag where
    there is no -PLUS (RFC 5802, section 6).
    """
    binding = ChannelBinding("tls-server-end-point", data)
    around = HERE._replace(bindings=(EXPORTER, binding))
    credentials = Credentials(name, password, authorize_as=name if own else "")
    bound = pair[1] in PLUS
    client = pair[0](credentials, binding if bound else None, would_bind=would_bind and not bound)
    accounts = Accounts({name: password})
    outcome = await converse(client, pair[1](around), accounts, initial=initial)
    assert outcome.identity == Identity(saslprep(name))
    assert client.done, "the server has proved itself"


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("who", [("user", "pen"), ("nobody", "pencil")])
async def test_a_wrong_password_and_an_unknown_user(
    pair: tuple[type[ScramClient], type[ScramServer]], who: tuple[str, str]
) -> None:
    """Refused without a last word, which could tell the one from the other."""
    binding = BINDING if pair[1] in PLUS else None
    client = pair[0](Credentials(*who), binding)
    server = pair[1](HERE)
    outcome = await converse(client, server, Accounts({"user": "pencil"}))
    assert outcome == (None, b"")
    with pytest.raises(ValueError, match="without a proof"):
        server.accepted()


async def test_a_claim_has_no_secret_in_its_repr() -> None:
    claim = ScramClaim("user", "sha256", scram_keys("pencil", "sha256"), proved=True)
    assert "user" in repr(claim)
    assert "stored_key" not in repr(claim)


# Attackers, and clients that have got it wrong.


def client_for(kind: type[ScramServer], binding: ChannelBinding = BINDING) -> ScramClient:
    client = next(client for client, server in PAIRS if server is kind)
    return client(USER, binding if kind in PLUS else None)


def to_the_final(server: ScramServer, client: ScramClient | None = None) -> bytes:
    """The server is brought to where it waits for client-final; a right one is returned."""
    client = client or client_for(type(server))
    return client.step(hear_first(server, client.step(None)))


def hear_first(server: ScramServer, message: bytes) -> bytes:
    """Server-first."""
    wanted = server.step(message)
    assert isinstance(wanted, KeysWanted)
    return server.go_on(scram_keys("pencil", wanted.hash_name)).data


@pytest.mark.parametrize("kind", PLUS)
@pytest.mark.parametrize("flag", [b"n", b"y"])
def test_cve_2026_33603_plus_without_a_binding_is_refused(
    kind: type[ScramServer], flag: bytes
) -> None:
    """RFC 5802, section 6: whoever has got -PLUS and does not bind was led to do so."""
    with pytest.raises(SaslError, match="needs channel binding"):
        kind(HERE).step(flag + b",,n=user,r=abc")


@pytest.mark.parametrize("kind", PLAIN)
def test_a_binding_belongs_to_plus_only(kind: type[ScramServer]) -> None:
    with pytest.raises(SaslError, match="channel binding is for SCRAM-SHA"):
        kind(HERE).step(b"p=tls-server-end-point,,n=user,r=abc")


@pytest.mark.parametrize("kind", PLUS)
@pytest.mark.parametrize("wrong", ["tls-unique", "tls-exporter", "TLS-SERVER-END-POINT", "x"])
def test_a_binding_that_is_not_ours(kind: type[ScramServer], wrong: str) -> None:
    server = kind(HERE)
    with pytest.raises(ExchangeRefused) as caught:
        server.step(f"p={wrong},,n=user,r=abc".encode())
    assert caught.value.last_word == b"e=unsupported-channel-binding-type"
    assert caught.value.reason == "unsupported-channel-binding-type"
    assert caught.value.name == "user"


@pytest.mark.parametrize("kind", PLUS)
@pytest.mark.parametrize("data", [b"", bytes(32), BINDING.data[:-1], BINDING.data + b"\0"])
def test_cve_2026_33603_somebody_in_between_has_another_certificate(
    kind: type[ScramServer], data: bytes
) -> None:
    """The client is at the liar's, and binds itself to the liar's certificate: the proof is right."""
    server = kind(HERE)
    final = to_the_final(server, client_for(kind, BINDING._replace(data=data)))
    with pytest.raises(ExchangeRefused) as caught:
        server.step(final)
    assert caught.value.last_word == b"e=channel-bindings-dont-match"


@pytest.mark.parametrize("kind", PLUS)
def test_cve_2026_33603_data_of_one_kind_does_not_pass_as_another(kind: type[ScramServer]) -> None:
    server = kind(HERE._replace(bindings=(EXPORTER, BINDING)))
    final = to_the_final(server, client_for(kind, BINDING._replace(data=EXPORTER.data)))
    with pytest.raises(ExchangeRefused, match="channel-bindings-dont-match"):
        server.step(final)


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize(
    "channel", [b"y,,", b"n,a=user,", b"n,,x", b"", b"p=tls-exporter,,", b"n,"]
)
def test_the_header_comes_again_in_the_proof_as_it_was(
    kind: type[ScramServer], channel: bytes
) -> None:
    """Whoever changes the flag on the way is found out."""
    server = kind(HERE)
    final = to_the_final(server)
    changed = b"c=" + base64.b64encode(channel or b"\0") + final[final.index(b",r=") :]
    with pytest.raises(ExchangeRefused) as caught:
        server.step(changed)
    assert caught.value.last_word == b"e=channel-bindings-dont-match"


@pytest.mark.parametrize("kind", PLAIN)
def test_a_client_that_was_not_told_of_plus_finds_out(kind: type[ScramServer]) -> None:
    """RFC 5802, section 6: "y" from who was offered -PLUS means that somebody took it away."""
    with pytest.raises(ExchangeRefused) as caught:
        kind(HERE._replace(plus_offered=True)).step(b"y,,n=user,r=abc")
    assert caught.value.last_word == b"e=server-does-support-channel-binding"
    assert isinstance(kind(HERE._replace(plus_offered=True)).step(b"n,,n=user,r=abc"), KeysWanted)


@pytest.mark.parametrize("kind", SERVERS)
def test_a_client_final_cannot_be_played_again(kind: type[ScramServer]) -> None:
    """Each exchange has a nonce of the server's own."""
    one, other = kind(HERE, nonce="one"), kind(HERE, nonce="other")
    client = client_for(kind)
    first = client.step(None)
    final = client.step(hear_first(one, first))
    assert isinstance(one.step(final), ScramClaim)
    hear_first(other, first)
    with pytest.raises(SaslError, match="another exchange"):
        other.step(final)


@pytest.mark.parametrize("kind", SERVERS)
def test_within_one_exchange_it_cannot_be_played_again_either(kind: type[ScramServer]) -> None:
    server = kind(HERE)
    final = to_the_final(server)
    assert isinstance(server.step(final), ScramClaim)
    with pytest.raises(SaslError):
        server.step(final)


def test_no_two_exchanges_have_one_nonce() -> None:
    around = HERE._replace(random=secrets.token_bytes)
    said = set()
    for _ in range(50):
        said.add(hear_first(ScramSha256Server(around), b"n,,n=user,r=abc"))
    assert len(said) == 50


FIRST = [
    b"",
    b"n",
    b"n,",
    b"n,,",
    b"n,,n=user",
    b"n,,n=user,",
    b"n,,n=user,r=",
    b"n,,r=abc",
    b"n,,r=abc,n=user",
    b"n,,n=,r=abc",
    b"n,,N=user,r=abc",
    b"N,,n=user,r=abc",
    b"x,,n=user,r=abc",
    b"F,n,,n=user,r=abc",
    b"ny,,n=user,r=abc",
    b"p,,n=user,r=abc",
    b"p=,,n=user,r=abc",
    b"p=tls unique,,n=user,r=abc",
    b"n,user,n=user,r=abc",
    b"n,a=,n=user,r=abc",
    b"n,b=user,n=user,r=abc",
    b"n,a=us=er,n=user,r=abc",
    b"n,a=other,n=user,r=abc",
    b"n,a=user\0,n=user,r=abc",
    b",,n=user,r=abc",
    b"n,,m=x,n=user,r=abc",
    b"n,,n=us=er,r=abc",
    b"n,,n=user=,r=abc",
    b"n,,n=user=2,r=abc",
    b"n,,n=user=2c,r=abc",
    b"n,,n=user=3d,r=abc",
    b"n,,n=user=00,r=abc",
    b"n,,n=us\0er,r=abc",
    b"n,,n=user,r=a\0bc",
    b"n,,n=user,r=a bc",
    b"n,,n=user,r=\xc3\xa4",
    b"n,,n=user,r=abc\n",
    b"n,,n=user,r=abc,",
    b"n,,n=user,r=abc,x",
    b"n,,n=user,r=abc,x=",
    b"n,,n=user,r=abc,=x",
    b"n,,n=user,r=abc,xy=z",
    b"n,,n=user,r=abc,1=z",
    b"n,,n=user,r=abc,n=other",
    b"n,,n=user,r=abc,r=other",
    b"n,,n=user,r=abc,m=x",
    b"n,,n=\xff\xfe,r=abc",
    b"n,,n=user\x07,r=abc",
    b"n,,n=\xc2\xad,r=abc",  # a soft hyphen, which SASLprep maps to nothing
    b"n,,n=user,r=" + b"a" * MAX_MESSAGE,
    b"n,,n=" + b"u" * MAX_MESSAGE + b",r=abc",
]


@pytest.mark.parametrize("message", FIRST)
def test_a_malformed_first_message_ends_the_exchange(message: bytes) -> None:
    with pytest.raises(SaslError) as caught:
        ScramSha256Server(HERE).step(message)
    assert not isinstance(caught.value, ExchangeRefused)
    assert "user" not in str(caught.value)


def test_an_extension_that_must_be_understood_is_named_as_what_it_is() -> None:
    """RFC 5802, section 5.1: "m=" is reserved, and nothing has been defined for it."""
    with pytest.raises(SaslError, match="an extension of SCRAM that nobody has defined"):
        ScramSha256Server(HERE).step(b"n,,m=x,n=user,r=abc")


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (b"n,,n=user,r=abc,x=extension,Q=another", "user"),
        (b"n,,n=a=2Cb=3Dc,r=!-+~", "a,b=c"),
        (b"n,a=a=2Cb,n=a=2Cb,r=abc", "a,b"),
        (b"n,,n=I\xc2\xadX,r=abc", "IX"),  # RFC 4013, section 3
        (b"n,,n=\xc2\xaa,r=abc", "a"),
        (b"n,a=\xc2\xaa,n=a,r=abc", "a"),
        (b"y,,n=alice+phone@example.org,r=abc", "alice+phone@example.org"),
    ],
)
def test_who_the_client_is(message: bytes, name: str) -> None:
    """RFC 5802, section 5.1: escapes, SASLprep, extensions that need not be understood."""
    assert ScramSha256Server(HERE).step(message) == KeysWanted(name, "sha256")


FINAL: list[tuple[bytes, bytes]] = [
    (rb".*", b""),
    (rb"^c=[^,]*,", b""),
    (rb"c=", b"C="),
    (rb",r=[^,]*", b""),
    (rb",p=.*", b""),
    (rb"(c=[^,]*),(r=[^,]*)", rb"\2,\1"),
    (rb"(r=[^,]*),(p=[^,]*)", rb"\2,\1"),
    (rb"p=.*", b"p="),
    (rb"p=.*", b"p=AAAA="),
    (rb"p=.*", b"p=A"),
    (rb"p=.*", b"p=!!!!"),
    (rb"p=.*", b"p=AB=="),  # bits that padding drops
    (rb"$", b","),
    (rb"$", b",x=y"),
    (rb"$", b"\0"),
    (rb"$", b"\n"),
    (rb",p=", b",p=AAAA,p="),
    (rb",p=", b",c=AAAA,p="),
    (rb",p=", b",m=AAAA,p="),
    (rb"c=biws", b"c=biws="),
    (rb"c=biws", b"c=b iws"),
    (rb"c=biws", b"c="),
    (rb",p=", b",x=" + b"y" * MAX_MESSAGE + b",p="),
]


@pytest.mark.parametrize(("pattern", "instead"), FINAL)
def test_a_malformed_last_message_ends_the_exchange(pattern: bytes, instead: bytes) -> None:
    server = ScramSha256Server(HERE)
    final = to_the_final(server)
    changed = re.sub(pattern, instead, final, count=1, flags=re.DOTALL)
    assert changed != final
    with pytest.raises(SaslError) as caught:
        server.step(changed)
    assert not isinstance(caught.value, ExchangeRefused)


@pytest.mark.parametrize("change", [b"x", b"", b"abc"])
def test_a_wrong_nonce_ends_the_exchange(change: bytes) -> None:
    server = ScramSha256Server(HERE)
    final = to_the_final(server)
    head, _, tail = final.partition(b",r=")
    nonce, _, proof = tail.partition(b",p=")
    wrong = nonce[:-1] + change if change else nonce[:-4]
    with pytest.raises(SaslError, match="another exchange"):
        server.step(head + b",r=" + wrong + b",p=" + proof)


@pytest.mark.parametrize("proof", [bytes(32), bytes(20), bytes(1), bytes(64)])
def test_a_proof_of_any_size_that_is_wrong_proves_nothing(proof: bytes) -> None:
    server = ScramSha256Server(HERE)
    final = to_the_final(server)
    claim = server.step(re.sub(rb"p=.*", b"p=" + base64.b64encode(proof), final))
    assert isinstance(claim, ScramClaim)
    assert not claim.proved


def test_an_extension_of_the_last_message_is_signed_and_means_nothing() -> None:
    """RFC 5802, section 5.1. Here it was put in on the way: so the proof is none."""
    server = ScramSha256Server(HERE)
    final = to_the_final(server)
    claim = server.step(final.replace(b",p=", b",x=y,p="))
    assert isinstance(claim, ScramClaim)
    assert not claim.proved


@pytest.mark.parametrize("response", [b"x", b"\0", b"=", b"*"])
def test_the_servers_proof_is_answered_with_nothing(response: bytes) -> None:
    """RFC 5034, section 4."""
    server = ScramSha256Server(HERE)
    server.step(to_the_final(server))
    server.accepted()
    with pytest.raises(SaslError):
        server.step(response)


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize(
    "around",
    [
        HERE._replace(scram_hashes=frozenset()),
        HERE._replace(scram_hashes=frozenset({"md5"})),
        HERE._replace(bindings=()),
        HERE,
    ],
)
def test_where_it_is_offered(kind: type[ScramServer], around: Surroundings) -> None:
    has_keys = kind.hash_name in around.scram_hashes
    assert kind.possible(around) == (has_keys and (kind in PLAIN or bool(around.bindings)))


anything = st.binary(max_size=80) | st.sampled_from(FIRST)


@settings(max_examples=300)
@given(kind=st.sampled_from(SERVERS), messages=st.lists(anything | st.none(), max_size=4),
       right=st.integers(0, 2), around=st.sampled_from([HERE, HERE._replace(plus_offered=True)]))  # fmt: skip
def test_whatever_comes_only_sasl_errors_come_of_it(
    kind: type[ScramServer], messages: list[bytes | None], right: int, around: Surroundings
) -> None:
    """CVE-2019-10691, CVE-2025-59028. The exchange begins well for *right* messages."""
    server = kind(around)
    if right == 1:
        hear_first(server, client_for(kind).step(None))
    elif right == 2:
        server.step(to_the_final(server))
        server.accepted()
    try:
        for message in messages:
            step = server.step(message)
            if isinstance(step, KeysWanted):
                server.go_on(scram_keys("pencil", step.hash_name))
            elif isinstance(step, ScramClaim):
                assert not step.proved
    except SaslError:
        return
