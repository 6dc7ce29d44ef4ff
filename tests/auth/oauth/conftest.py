"""Issuers that run, and checkers whose clocks stand still."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from pillarbox.auth.oauth.checker import OAuthChecker
from pillarbox.auth.oauth.settings import OAuthSettings
from pillarbox.auth.oauth.web import Web
from tests.auth.oauth.issuer import Issuer


class Clocks:
    """The two clocks of a checker: both stand still until a test moves them."""

    def __init__(self, wall: float) -> None:
        self.wall = wall
        self.steady = 1000.0

    def move(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


MakeIssuer = Callable[..., Issuer]
MakeChecker = Callable[..., OAuthChecker]


@pytest.fixture
def make_issuer() -> Iterator[MakeIssuer]:
    made: list[Issuer] = []

    def make(**how: object) -> Issuer:
        made.append(Issuer(**how))  # type: ignore[arg-type]  # checked by dataclass
        return made[-1]

    yield make
    for issuer in made:
        issuer.stop()


@pytest.fixture
def clocks() -> Clocks:
    import time  # noqa: PLC0415 -- tokens of a real issuer are of now

    return Clocks(time.time())


@pytest.fixture
async def make_checker(clocks: Clocks) -> AsyncIterator[MakeChecker]:
    made: list[OAuthChecker] = []

    def make(settings: OAuthSettings, web: Web | None = None) -> OAuthChecker:
        checker = OAuthChecker(
            settings, web=web, clock=lambda: clocks.wall, steady_clock=lambda: clocks.steady
        )
        made.append(checker)
        return checker

    yield make
    for checker in made:
        await checker.close()
