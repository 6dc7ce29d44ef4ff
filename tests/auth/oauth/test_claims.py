"""What a token must say: RFC 7519, RFC 9068, RFC 7662, RFC 8725, one claim at a time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth.oauth.claims import CLOCK_SKEW, Rules, Verdict, judge_answer, judge_jwt
from pillarbox.contracts.errors import CredentialsRefused
from tests.auth.oauth.craft import AUDIENCE, ISSUER, NOW, claims

RULES = Rules(ISSUER, frozenset({AUDIENCE, "pop.example.net"}), frozenset(), "email")


def judged(rules: Rules = RULES, now: float = NOW, **changes: Any) -> Verdict:
    return judge_jwt(claims(**changes), rules, now)


def refusal(rules: Rules = RULES, now: float = NOW, **changes: Any) -> str:
    with pytest.raises(CredentialsRefused) as caught:
        judged(rules, now, **changes)
    return str(caught.value)


def test_a_good_token_is_its_users() -> None:
    assert judged() == Verdict("alice@example.org", NOW + 3600)


@pytest.mark.parametrize(
    "issuer",
    [
        ...,
        None,
        "",
        7,
        [ISSUER],
        f"{ISSUER}/",
        ISSUER.upper(),
        "https://id.example.org.evil.example",
    ],
)
def test_rfc_9068_section_4_the_issuer_matches_exactly(issuer: Any) -> None:
    assert "another issuer" in refusal(iss=issuer)


@pytest.mark.parametrize(
    "audience",
    [
        AUDIENCE,
        [AUDIENCE],
        ["https://else.example", AUDIENCE],
        ["pop.example.net"],
        [7, None, AUDIENCE],
    ],
)
def test_rfc_7519_section_4_1_3_one_of_our_names_is_in_the_audience(audience: Any) -> None:
    assert judged(aud=audience).user


@pytest.mark.parametrize(
    "audience",
    [..., None, "", [], 7, {AUDIENCE: True}, "https://else.example", f"{AUDIENCE}.evil.example",
     AUDIENCE.upper(), f"else {AUDIENCE}", [[AUDIENCE]]],
)  # fmt: skip
def test_rfc_8725_section_3_9_a_token_for_somebody_else(audience: Any) -> None:
    assert "another audience" in refusal(aud=audience)


def test_the_audience_that_was_found_is_told_and_bounded() -> None:
    text = refusal(aud=["x" * 5000, "line\nbreak", *(f"a{n}" for n in range(50))])
    assert len(text) < 400
    assert "line\\nbreak" in text
    assert "and 48 more" in text


def test_rfc_9068_section_2_2_exp_is_required() -> None:
    assert "never expires" in refusal(exp=...)


def test_exp_counts_and_clocks_may_differ_a_little() -> None:
    end = NOW + 3600
    assert judged(now=end + CLOCK_SKEW - 1).user
    assert "has expired" in refusal(now=end + CLOCK_SKEW)


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_nbf_and_iat_count_and_clocks_may_differ_a_little(name: str) -> None:
    def at(moment: Any) -> dict[str, Any]:
        return {name: moment}

    assert judged(**at(NOW + CLOCK_SKEW)).user
    assert f"not valid yet ({name})" in refusal(**at(NOW + CLOCK_SKEW + 1))
    assert judged(**at(...)).user


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        "1900000000",
        [1],
        {},
        float("nan"),
        float("inf"),
        -float("inf"),
        10**400,
        2**54,
    ],
)
def test_times_that_are_none(name: str, value: Any) -> None:
    assert f"{name} is no time" in refusal(**{name: value})


@pytest.mark.parametrize(
    "granted",
    [
        {"scope": "pop mail"},
        {"scope": "openid pop email mail"},
        {"scp": "pop mail"},
        {"scp": ["mail", "pop"]},
        {"scope": "pop", "scp": ["mail"]},
    ],
)
def test_the_scopes_that_are_needed(granted: dict[str, Any]) -> None:
    assert judged(RULES._replace(scopes=frozenset({"pop", "mail"})), **granted).user


@pytest.mark.parametrize(
    "granted",
    [{}, {"scope": ""}, {"scope": "pop"}, {"scope": "pop,mail"}, {"scope": "pop mailing"},
     {"scope": "POP MAIL"}, {"scope": 7}, {"scp": {"pop": 1, "mail": 1}}, {"scp": [["mail", "pop"]]}],
)  # fmt: skip
def test_a_scope_is_missing(granted: dict[str, Any]) -> None:
    assert "not good for" in refusal(RULES._replace(scopes=frozenset({"pop", "mail"})), **granted)


@pytest.mark.parametrize("user", [..., None, "", 7, ["alice@example.org"], {"name": "alice"}])
def test_a_token_of_nobody(user: Any) -> None:
    assert "does not say whose" in refusal(email=user)


@pytest.mark.parametrize("user", ["a\0b", "a\r\nb", "a\x1b[0m", "x" * 321, "a\u2028b", "a\ud800"])
def test_a_user_that_is_no_name(user: str) -> None:
    assert "is no name" in refusal(email=user)


def test_another_claim_can_name_the_user() -> None:
    rules = RULES._replace(user_claim="preferred_username")
    assert judged(rules, preferred_username="alice").user == "alice"
    assert '"preferred_username"' in refusal(rules)


def test_an_address_that_nobody_has_verified_is_anybodys() -> None:
    assert judged(email_verified=True).user
    assert judged(email_verified="true").user
    for unverified in (False, "false"):
        assert "has not verified" in refusal(email_verified=unverified)
    by_number = RULES._replace(user_claim="sub")
    assert judged(by_number, email_verified=False).user == "4711"


def test_rfc_9449_a_token_that_is_bound_to_a_key_is_no_bearer_token() -> None:
    assert "bound to a key" in refusal(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})
    assert "bound to a key" in refusal(cnf=None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = ["iss", "aud", "exp", "nbf", "iat", "scope", "scp", "email", "email_verified", "cnf"]


@given(st.dictionaries(st.sampled_from([*NAMES, "active", "token_type"]), JSON))
def test_whatever_is_claimed_is_judged_without_another_error(changes: dict[str, Any]) -> None:
    rules = RULES._replace(scopes=frozenset({"pop"}))
    for judge in (judge_jwt, judge_answer):
        try:
            verdict = judge(claims() | changes, rules, NOW)
        except CredentialsRefused as refused:
            assert str(refused).isprintable()  # noqa: PT017 -- either will do
        else:
            assert verdict.user


def answer(**changes: Any) -> dict[str, Any]:
    full = {"active": True, "username": "alice", **changes}
    return {name: value for name, value in full.items() if value is not ...}


BARE = Rules("", frozenset(), frozenset(), "username")


def test_rfc_7662_section_2_2_an_answer_need_not_say_more_than_active() -> None:
    assert judge_answer(answer(), BARE, NOW) == Verdict("alice", None)


@pytest.mark.parametrize("active", [..., False, None, 0, 1, "true", "True", [True]])
def test_only_true_is_active(active: Any) -> None:
    with pytest.raises(CredentialsRefused, match="not active"):
        judge_answer(answer(active=active), BARE, NOW)


def test_an_answer_is_checked_for_what_is_in_it() -> None:
    rules = BARE._replace(issuer=ISSUER)
    assert judge_answer(answer(), rules, NOW).user
    assert judge_answer(answer(iss=ISSUER), rules, NOW).user
    for changes, why in (
        ({"iss": "https://else.example"}, "another issuer"),
        ({"exp": NOW - 100}, "expired"),
        ({"nbf": NOW + 100}, "not valid yet"),
        ({"token_type": "DPoP"}, "no bearer token"),
        ({"cnf": {}}, "bound to a key"),
        ({"username": ...}, "whose"),
    ):
        with pytest.raises(CredentialsRefused, match=why):
            judge_answer(answer(**changes), rules, NOW)


@pytest.mark.parametrize("token_type", [..., None, "Bearer", "bearer", "access_token"])
def test_names_of_bearer_tokens(token_type: Any) -> None:
    assert judge_answer(answer(token_type=token_type), BARE, NOW).user


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        (BARE._replace(audience=frozenset({AUDIENCE})), "another audience"),
        (BARE._replace(scopes=frozenset({"pop"})), "not good for"),
    ],
)
def test_what_an_answer_must_say_and_does_not(rules: Rules, missing: str) -> None:
    with pytest.raises(CredentialsRefused, match=missing):
        judge_answer(answer(), rules, NOW)
    assert judge_answer(answer(aud=[AUDIENCE], scope="pop"), rules, NOW).user
