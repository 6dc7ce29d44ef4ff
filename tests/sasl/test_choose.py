"""Which mechanism the client takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.sasl.client import (
    ChannelBinding,
    Credentials,
    Downgraded,
    NothingInCommon,
    TlsNeeded,
    UnknownMechanism,
    choose,
    refuse_weaker,
)
from pillarbox.sasl.strength import STRENGTHS, Proof

PASSWORD = Credentials("tim", "tanstaaf")
TOKEN = Credentials("tim", token="token")
CERTIFICATE = Credentials("tim")
BINDING = ChannelBinding("tls-exporter", b"data")

PASSWORD_ORDER = [
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
]
ALL = [*PASSWORD_ORDER, "OAUTHBEARER", "XOAUTH2", "EXTERNAL"]


def chosen(
    offered: Sequence[str],
    credentials: Credentials = PASSWORD,
    *,
    secured: bool = True,
    binding: ChannelBinding | None = BINDING,
    wanted: str | None = None,
    at_least: str | None = None,
) -> str:
    return choose(
        offered,
        credentials,
        secured=secured,
        channel_binding=binding,
        wanted=wanted,
        at_least=at_least,
    ).name


@pytest.mark.parametrize(("stronger", "weaker"), [*combinations(PASSWORD_ORDER, 2)])
def test_the_stronger_of_two_whatever_their_order(stronger: str, weaker: str) -> None:
    assert chosen([stronger, weaker]) == chosen([weaker, stronger]) == stronger


@pytest.mark.parametrize("name", ALL)
def test_each_is_had_by_its_name_in_any_case(name: str) -> None:
    credentials = Credentials("tim", "tanstaaf", "token")
    mechanism = choose(
        [name.lower()], credentials, secured=True, channel_binding=BINDING, wanted=name.title()
    )
    assert mechanism.name == name
    assert mechanism.plaintext is STRENGTHS[name].plaintext
    assert not mechanism.done


@pytest.mark.parametrize(
    ("credentials", "name"),
    [(PASSWORD, "SCRAM-SHA-256-PLUS"), (TOKEN, "OAUTHBEARER"), (CERTIFICATE, "EXTERNAL")],
)
def test_the_credentials_decide_what_can_be_used(credentials: Credentials, name: str) -> None:
    assert chosen(ALL, credentials) == name
    assert chosen([*ALL, "GSSAPI", "NTLM", "ANONYMOUS", ""], credentials) == name


def test_without_a_channel_to_bind_to_plus_is_passed_over() -> None:
    assert chosen(ALL, binding=None) == "SCRAM-SHA-256"
    with pytest.raises(NothingInCommon):
        chosen(["SCRAM-SHA-256-PLUS"], binding=None)
    with pytest.raises(NothingInCommon, match="bound"):
        chosen(["SCRAM-SHA-256-PLUS"], binding=None, wanted="SCRAM-SHA-256-PLUS")


@pytest.mark.parametrize(
    ("offered", "binding", "wanted", "header"),
    [
        (["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"], BINDING, None, b"p=tls-exporter,,"),
        (["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256"], BINDING, None, b"p=tls-exporter,,"),
        (["SCRAM-SHA-256"], BINDING, None, b"y,,"),
        (["SCRAM-SHA-1"], BINDING, "SCRAM-SHA-1", b"y,,"),
        (["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"], None, None, b"n,,"),
        (["SCRAM-SHA-256"], None, None, b"n,,"),
        # "y" would say that the server has no -PLUS, and it would have to refuse.
        (["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"], BINDING, "SCRAM-SHA-256", b"n,,"),
        (["SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"], BINDING, "SCRAM-SHA-256", b"n,,"),
        ([], BINDING, "SCRAM-SHA-256", b"n,,"),
    ],
)
def test_what_is_said_of_channel_binding(
    offered: list[str], binding: ChannelBinding | None, wanted: str | None, header: bytes
) -> None:
    """RFC 5802, section 6."""
    mechanism = choose(
        offered, PASSWORD, secured=True, channel_binding=binding, wanted=wanted
    )  # fmt: skip
    assert (mechanism.step(None)).startswith(header)


@pytest.mark.parametrize("name", ["PLAIN", "LOGIN"])
def test_no_password_without_tls(name: str) -> None:
    with pytest.raises(TlsNeeded):
        chosen([name], secured=False, binding=None)
    with pytest.raises(TlsNeeded, match=f"{name} without TLS"):
        chosen([name], secured=False, binding=None, wanted=name)


@pytest.mark.parametrize("name", ["OAUTHBEARER", "XOAUTH2"])
def test_no_token_without_tls(name: str) -> None:
    with pytest.raises(TlsNeeded):
        chosen([name], TOKEN, secured=False, binding=None)


@pytest.mark.parametrize("name", ["CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_what_hides_the_password_is_had_without_tls(name: str) -> None:
    assert chosen(["PLAIN", name, "LOGIN"], secured=False, binding=None) == name


@pytest.mark.parametrize("offered", [[], ["GSSAPI"], ["OAUTHBEARER"], ["EXTERNAL"], ["USER"]])
def test_nothing_in_common(offered: list[str]) -> None:
    with pytest.raises(NothingInCommon):
        chosen(offered)


def test_what_the_user_wants_is_taken_or_nothing() -> None:
    assert chosen(ALL, wanted="PLAIN") == "PLAIN"
    with pytest.raises(NothingInCommon, match="does not offer CRAM-MD5, only PLAIN"):
        chosen(["PLAIN"], wanted="CRAM-MD5")
    assert chosen([], wanted="PLAIN") == "PLAIN", "the server may just not say"
    assert chosen(ALL, wanted="EXTERNAL") == "EXTERNAL", "there may be a password as well"


@pytest.mark.parametrize("name", ["GSSAPI", "", "plain;", "USER", "APOP", "*"])
def test_wanting_what_there_is_not(name: str) -> None:
    with pytest.raises(UnknownMechanism, match="SCRAM-SHA-256"):
        chosen([*ALL, name], wanted=name)


@pytest.mark.parametrize(
    ("name", "credentials", "lacks"),
    [("XOAUTH2", PASSWORD, "access token"), ("PLAIN", TOKEN, "password")],
)
def test_wanting_what_the_credentials_are_not_for(
    name: str, credentials: Credentials, lacks: str
) -> None:
    with pytest.raises(UnknownMechanism, match=f"{name} needs an? {lacks}"):
        chosen(ALL, credentials, wanted=name)


@given(
    offered=st.sets(st.sampled_from(PASSWORD_ORDER), min_size=1),
    before=st.sampled_from(PASSWORD_ORDER),
)
def test_never_weaker_than_before_without_being_told(offered: set[str], before: str) -> None:
    best = min(offered, key=PASSWORD_ORDER.index)
    if STRENGTHS[best].strength >= STRENGTHS[before].strength:
        assert chosen(sorted(offered), at_least=before) == best
        return
    with pytest.raises(Downgraded, match=before) as caught:
        chosen(sorted(offered), at_least=before)
    assert caught.value.before == before
    assert set(caught.value.offered) == offered


@pytest.mark.parametrize(("before", "now"), [("PLAIN", "LOGIN"), ("LOGIN", "PLAIN")])
def test_equals_stand_for_one_another(before: str, now: str) -> None:
    assert chosen([now], at_least=before) == now


def test_the_users_decision_outranks_what_was_before() -> None:
    assert chosen(ALL, wanted="PLAIN", at_least="SCRAM-SHA-256") == "PLAIN"


def test_going_over_to_a_password_is_no_downgrade() -> None:
    assert chosen(["PLAIN", "XOAUTH2"], at_least="XOAUTH2") == "PLAIN"
    assert chosen(["PLAIN", "XOAUTH2"], TOKEN, at_least="SCRAM-SHA-256") == "XOAUTH2"


def test_what_is_not_known_might_have_been_stronger() -> None:
    with pytest.raises(Downgraded, match="SCRAM-SHA3-512"):
        chosen(ALL, at_least="SCRAM-SHA3-512")


@pytest.mark.parametrize(
    ("name", "before", "weaker"),
    [
        ("USER", None, False),
        ("USER", "USER", False),
        ("USER", "PLAIN", False),
        ("APOP", "PLAIN", False),
        ("APOP", "CRAM-MD5", False),
        ("USER", "APOP", True),
        ("USER", "SCRAM-SHA-1", True),
        ("APOP", "SCRAM-SHA-1", True),
    ],
)
def test_user_and_apop_are_weighed_as_well(name: str, before: str | None, weaker: bool) -> None:
    """CAPA without its SASL line would otherwise be a way down."""
    if not weaker:
        refuse_weaker(name, [], PASSWORD, before)
        return
    with pytest.raises(Downgraded, match="no SASL"):
        refuse_weaker(name, [], PASSWORD, before)


def test_every_row_says_what_it_proves_with() -> None:
    by_proof = {proof: [r.name for r in STRENGTHS.values() if r.proof is proof] for proof in Proof}
    assert by_proof[Proof.TOKEN] == ["OAUTHBEARER", "XOAUTH2"]
    assert by_proof[Proof.CERTIFICATE] == ["EXTERNAL"]
    assert set(by_proof[Proof.PASSWORD]) == {*PASSWORD_ORDER, "APOP", "USER"}


def test_what_is_not_chosen_is_not_imported() -> None:
    program = (
        "import sys\n"
        "from pillarbox.sasl.client import Credentials, choose\n"
        "choose(['PLAIN'], Credentials('a', 'b'), secured=True)\n"
        "print([name for name in ('hashlib', 'dataclasses', 'json') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
