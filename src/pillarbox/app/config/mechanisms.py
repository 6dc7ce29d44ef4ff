"""SASL mechanisms that nobody could sign in by, in this configuration.

Of those that are on by default such a one is not offered, and nothing is said. One that an
operator has written down is a fault: whoever asks for it would wonder where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pillarbox.app.config.settings import Config


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
