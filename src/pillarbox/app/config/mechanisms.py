"""SASL mechanisms that nobody could sign in by, in this configuration.

Of those that are on by default such a one is not offered, and nothing is said. One that an
operator has written down is a fault: whoever asks for it would wonder where it is.

SCRAM is another matter. Nobody can tell before the sign-in whether there are keys of that user, so it is
offered to all, and a client that takes the strongest that is offered does not try another one when
it is refused. Users of other sources mostly have none; so where there are such, SCRAM has to be
asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pillarbox.app.config.settings import Config, Mechanism, usual_mechanisms


class _Need(NamedTuple):
    """What some mechanisms cannot do without."""

    mechanisms: frozenset[str]
    is_met: Callable[[Config], bool]
    problem: str
    hint: str


def checks_tokens(config: Config) -> bool:
    """Whether access tokens can be checked."""
    return config.auth_oauth.wanted


def asks_for_certificates(config: Config) -> bool:
    """Whether clients are asked for certificates."""
    return config.tls.client_certificates != "off"


_NEEDS = (
    _Need(
        frozenset({"OAUTHBEARER", "XOAUTH2"}),
        checks_tokens,
        "needs something that checks access tokens",
        "set up [auth.oauth], or leave it out",
    ),
    _Need(
        frozenset({"EXTERNAL"}),
        asks_for_certificates,
        "needs client certificates, and none is asked for",
        "set tls.client_certificates, or leave it out",
    ),
)


_WITHOUT_KEYS = ("ldap", "pam")
"""Sources that prove passwords themselves: no SCRAM for their users, ever."""


def usual(config: Config) -> tuple[Mechanism, ...]:
    """Those that are offered when nobody says which, in this *config*."""
    return tuple(
        name
        for name in usual_mechanisms()
        if not (config.auth.sources and name.startswith("SCRAM-"))
    )


def without_keys(config: Config) -> Iterator[tuple[str, str]]:
    """``(problem, hint)`` when SCRAM is offered and some users can never sign in by it."""
    named = " and ".join(name for name in _WITHOUT_KEYS if name in config.auth.sources)
    if named and any(name.startswith("SCRAM-") for name in config.auth.mechanisms):
        problem = (
            f"users of the source {named} cannot sign in by SCRAM but with app passwords: mail "
            "programs that choose it by themselves are refused"
        )
        yield problem, "leave it out, unless all of them use app passwords"


def impossible(config: Config) -> Iterator[tuple[str, str]]:
    """``(problem, hint)`` for each mechanism of ``auth.mechanisms`` that can never work."""
    for mechanism in config.auth.mechanisms:
        for need in _NEEDS:
            if mechanism in need.mechanisms and not need.is_met(config):
                yield f'"{mechanism}" {need.problem}', need.hint


def unbound(config: Config) -> list[str]:
    """The mechanisms that bind a sign-in to TLS, where there is no TLS."""
    if config.tls.certificate is not None:
        return []
    return [name for name in config.auth.mechanisms if name.endswith("-PLUS")]
