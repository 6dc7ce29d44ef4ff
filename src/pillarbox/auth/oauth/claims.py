"""What is said of a token, by its own claims or by its issuer: is that good enough, and whose is it?

A claim is looked at only after a signature, or TLS, has shown that the issuer said it. Signed
tokens have to say everything that RFC 9068, section 2.2, demands and that is needed here; of an
answer of RFC 7662, section 2.2, only ``active`` is sure to come, so what else is in it is
checked, and what we were told to look for has to be in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pillarbox.auth.oauth.wording import listed, shown
from pillarbox.contracts.errors import CredentialsRefused

CLOCK_SKEW = 60.0
"""Seconds by which the issuer's clock and ours may differ; "usually no more than a few minutes"
(RFC 7519, section 4.1.4)."""
MAX_USER = 320
"""Characters of a user's name: no address is longer (RFC 5321, section 4.5.3.1)."""

LAST_MOMENT = 2**53
"""Seconds since 1970; whole numbers beyond are not sure to be the same on both sides (RFC 8259,
section 6)."""

Claims = Mapping[str, Any]


class Rules(NamedTuple):
    """What a token must be."""

    issuer: str
    audience: frozenset[str]
    scopes: frozenset[str]
    user_claim: str


class Verdict(NamedTuple):
    """A token is good."""

    user: str
    """Whose it is."""
    expires: float | None
    """Seconds since 1970; None: nobody says."""


def judge_jwt(claims: Claims, rules: Rules, now: float) -> Verdict:
    """Judge the claims of a token whose signature is right (RFC 7519, RFC 9068).

    Args:
        claims: its payload.
        rules: with an issuer and an audience.
        now: seconds since 1970.

    Raises:
        CredentialsRefused: the text says why.
    """
    _issued_by(claims, rules.issuer)
    _meant_for(claims, rules.audience)
    if "exp" not in claims:
        raise CredentialsRefused("the token never expires: that is no access token")
    return _judge(claims, rules, now)


def judge_answer(answer: Claims, rules: Rules, now: float) -> Verdict:
    """Judge an answer of introspection (RFC 7662, section 2.2); otherwise as :func:`judge_jwt`.

    Raises:
        CredentialsRefused: the text says why.
    """
    if answer.get("active") is not True:
        raise CredentialsRefused("the token's issuer says that it is not active")
    if rules.issuer and "iss" in answer:
        _issued_by(answer, rules.issuer)
    if rules.audience:
        _meant_for(answer, rules.audience)
    if not _is_bearer(answer.get("token_type")):
        raise CredentialsRefused(
            f"the token is no bearer token, but of the type {shown(answer['token_type'])}"
        )
    return _judge(answer, rules, now)


def _judge(claims: Claims, rules: Rules, now: float) -> Verdict:
    """What holds for both."""
    expires = _in_time(claims, now)
    if "cnf" in claims:
        # A thief must not get in with a token that was bound to a key against thieves
        # (RFC 7800; DPoP is RFC 9449, client certificates RFC 8705).
        raise CredentialsRefused(
            "the token is bound to a key of its bearer, which POP3 cannot prove"
        )
    _permits(claims, rules.scopes)
    return Verdict(_user(claims, rules.user_claim), expires)


def _is_bearer(token_type: object) -> bool:
    """RFC 6749, section 7.1. Some say instead what the token is for, as RFC 7009 names it."""
    return token_type is None or str(token_type).lower() in {"bearer", "access_token"}


def _issued_by(claims: Claims, issuer: str) -> None:
    """RFC 8725, section 3.8; compared letter by letter (RFC 9068, section 4)."""
    if claims.get("iss") != issuer:
        raise CredentialsRefused(
            f"the token is of another issuer ({shown(claims.get('iss'))}) than auth.oauth.issuer"
        )


def _meant_for(claims: Claims, audience: frozenset[str]) -> None:
    """RFC 8725, section 3.9; a text or a list of them (RFC 7519, section 4.1.3)."""
    names = claims.get("aud")
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not audience.intersection(
        name for name in names if isinstance(name, str)
    ):
        found = listed(names) if isinstance(names, list) else "nobody"
        raise CredentialsRefused(
            f"the token is for another audience ({found}), none of auth.oauth.audience"
        )


def _in_time(claims: Claims, now: float) -> float | None:
    """The time when it expires. RFC 7519, sections 4.1.4 to 4.1.6."""
    expires = _moment(claims, "exp")
    if expires is not None and now >= expires + CLOCK_SKEW:
        raise CredentialsRefused("the token has expired")
    for name in ("nbf", "iat"):
        begin = _moment(claims, name)
        if begin is not None and now < begin - CLOCK_SKEW:
            raise CredentialsRefused(
                f"the token is not valid yet ({name}): is one of the clocks wrong?"
            )
    return expires


def _moment(claims: Claims, name: str) -> float | None:
    """A NumericDate, or None when the claim is not there."""
    if name not in claims:
        return None
    value = claims[name]
    # JSON of Python's has NaN, which no time is after, and numbers that no float can hold.
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not -LAST_MOMENT <= value <= LAST_MOMENT
    ):
        raise CredentialsRefused(f"the token's {name} is no time")
    return value


def _permits(claims: Claims, needed: frozenset[str]) -> None:
    """``scope`` (RFC 8693, section 4.2; RFC 9068), or ``scp`` as Microsoft and Okta write it."""
    if not needed:
        return
    granted: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            granted.update(value.split(" "))
        elif isinstance(value, list):
            granted.update(item for item in value if isinstance(item, str))
    if missing := needed - granted:
        raise CredentialsRefused(f"the token is not good for {listed(sorted(missing))} (scope)")


def _user(claims: Claims, name: str) -> str:
    user = claims.get(name)
    if not isinstance(user, str) or not user:
        raise CredentialsRefused(
            f"the token does not say whose it is: it has no {shown(name)} (auth.oauth.user_claim)"
        )
    if len(user) > MAX_USER or not user.isprintable():
        raise CredentialsRefused(f"the token's user is no name: {shown(user)}")
    if name == "email" and claims.get("email_verified", True) in {False, "false"}:
        # Anybody can claim anybody's address, as long as nobody has looked.
        raise CredentialsRefused(f"the issuer has not verified the address {shown(user)}")
    return user
