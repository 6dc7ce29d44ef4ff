"""The servers' sides of EXTERNAL and CRAM-MD5, and what all mechanisms have in common."""

from __future__ import annotations

import re
import secrets
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.app.config.settings import Mechanism
from pillarbox.model import Identity
from pillarbox.sasl.claims import CertificateClaim, Claim, DigestClaim, TokenClaim
from pillarbox.sasl.client import Credentials, SaslError
from pillarbox.sasl.digest import CramMd5Client, CramMd5Server
from pillarbox.sasl.external import ExternalClient, ExternalServer
from pillarbox.sasl.mechanism import Challenge, KeysWanted, ServerMechanism
from pillarbox.sasl.server import MECHANISMS
from pillarbox.sasl.strength import STRENGTHS
from tests.sasl.dialogue import converse
from tests.sasl.surroundings import HERE
from tests.world import Accounts, scram_keys

field = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
EVERY = pytest.mark.parametrize("name", list(MECHANISMS))


def test_every_mechanism_can_be_configured_and_has_both_sides() -> None:
    assert set(MECHANISMS) == set(get_args(Mechanism))
    assert set(MECHANISMS) == {name for name, row in STRENGTHS.items() if row.client}
    for name, mechanism in MECHANISMS.items():
        assert mechanism.plaintext == STRENGTHS[name].plaintext


# EXTERNAL: RFC 4422, appendix A.


@pytest.mark.parametrize("response", ["", "fred@example.com", "anna", "ä"])
@pytest.mark.parametrize("asked", [False, True])
def test_external_claims_whom_the_client_wants_to_be(response: str, asked: bool) -> None:
    server = ExternalServer(HERE)
    if asked:
        assert server.step(None) == Challenge(b"")
    assert server.step(response.encode()) == CertificateClaim(response, ("fred@example.com",))


@pytest.mark.parametrize("response", [b"\0", b"fred\0", b"\0fred@example.com"])
def test_external_carries_no_nul(response: bytes) -> None:
    with pytest.raises(SaslError):
        ExternalServer(HERE).step(response)


@pytest.mark.parametrize(("name", "right"), [("fred", True), ("", True), ("anna", False)])
async def test_external_with_our_client(name: str, right: bool) -> None:
    server = ExternalServer(HERE._replace(identities=("fred", "wilma")))
    outcome = await converse(
        ExternalClient(Credentials(name)), server, Accounts({"fred": "", "anna": ""})
    )
    assert outcome.identity == (Identity("fred") if right else None)


def test_external_is_offered_only_to_who_has_shown_a_certificate() -> None:
    assert ExternalServer.possible(HERE)
    assert not ExternalServer.possible(HERE._replace(identities=()))


# CRAM-MD5: RFC 2195.


def test_cram_md5_as_in_the_rfc() -> None:
    """Section 2, with a challenge of our own: its form is that of a message id."""
    server = CramMd5Server(HERE._replace(random=lambda n: b"\0" * (n - 2) + b"\x07\x68"))
    assert not server.client_first
    challenge = server.step(None)
    assert challenge == Challenge(b"<1896.697170952@postoffice.reston.mci.net>")
    claim = server.step(b"tim b913a602c7eda7a495b4e6e7334d3890")
    assert claim == DigestClaim(
        "CRAM-MD5",
        "tim",
        "<1896.697170952@postoffice.reston.mci.net>",
        "b913a602c7eda7a495b4e6e7334d3890",
    )


async def test_the_example_signs_in() -> None:
    accounts = Accounts({"tim": "tanstaaftanstaaf"})
    for password, who in [("tanstaaftanstaaf", Identity("tim")), ("wrong", None)]:
        client = CramMd5Client(Credentials("tim", password))
        assert (await converse(client, CramMd5Server(HERE), accounts)).identity == who


def test_no_two_challenges_are_alike() -> None:
    around = HERE._replace(random=secrets.token_bytes)
    said = set()
    for _ in range(50):
        challenge = CramMd5Server(around).step(None)
        assert isinstance(challenge, Challenge)
        assert re.fullmatch(rb"<[0-9]+\.[0-9]+@[a-z.]+>", challenge.data)
        said.add(challenge)
    assert len(said) == 50


@given(name=field, digest=st.from_regex(r"[0-9a-fA-F]{32}", fullmatch=True))
def test_cram_md5_takes_any_name(name: str, digest: str) -> None:
    server = CramMd5Server(HERE)
    server.step(None)
    claim = server.step(f"{name} {digest}".encode())
    assert isinstance(claim, DigestClaim)
    assert (claim.name, claim.digest) == (name, digest)


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"tim",
        b"tim ",
        b" b913a602c7eda7a495b4e6e7334d3890",
        b"b913a602c7eda7a495b4e6e7334d3890",
        b"tim b913a602c7eda7a495b4e6e7334d389",
        b"tim b913a602c7eda7a495b4e6e7334d38900",
        b"tim b913a602c7eda7a495b4e6e7334d389g",
        b"tim b913a602c7eda7a495b4e6e7334d3890 ",
        b"tim b913a602c7eda7a495b4e6e7334d3890\n",
        b"tim\tb913a602c7eda7a495b4e6e7334d3890",
    ],
)
def test_what_is_no_response_of_cram_md5(response: bytes) -> None:
    server = CramMd5Server(HERE)
    server.step(None)
    with pytest.raises(SaslError):
        server.step(response)


# All of them.


@EVERY
def test_who_does_not_speak_first_is_asked(name: str) -> None:
    mechanism = MECHANISMS[name](HERE)
    asked = mechanism.step(None)
    assert isinstance(asked, Challenge)
    if name != "LOGIN":  # which asks in words, and may be spoken to first all the same
        assert (asked.data == b"") == mechanism.client_first


@EVERY
@given(responses=st.lists(st.binary(max_size=60) | st.sampled_from([b"", b"*", b"\0a\0b", b"n,,n=a,r=b"]), max_size=4))  # fmt: skip
def test_whatever_comes_only_sasl_errors_come_of_it(name: str, responses: list[bytes]) -> None:
    """CVE-2019-10691, CVE-2025-59028. No secret that came is in the error's text."""
    why = failure(MECHANISMS[name](HERE), responses)
    assert why.isprintable(), "it stands in a status line"


def failure(mechanism: ServerMechanism, responses: list[bytes]) -> str:
    """What the exchange fails with; empty if it comes to a claim, or to no end."""
    try:
        first = mechanism.step(None)
        assert isinstance(first, Challenge)
        for response in responses:
            step = mechanism.step(response)
            if isinstance(step, KeysWanted):
                mechanism.go_on(scram_keys("pencil", step.hash_name))
            elif not isinstance(step, Challenge):
                return ""
    except SaslError as error:
        return str(error)
    return ""


class _Claims(ServerMechanism):
    name = "X"
    client_first = True
    plaintext = True

    def step(self, response: bytes | None) -> Claim:
        return TokenClaim("", "")


def test_a_mechanism_that_has_no_last_word() -> None:
    mechanism = _Claims(HERE)
    assert mechanism.accepted() is None
    assert mechanism.refused() is None
    assert mechanism.possible(HERE)
    with pytest.raises(NotImplementedError, match="X wants no keys"):
        mechanism.go_on(scram_keys("pencil", "sha1"))
