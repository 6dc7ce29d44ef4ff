"""Accounts with cheap hashes, and a passwords object that counts its work."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.passwords import Argon2Parameters, Passwords
from pillarbox.auth.scram_keys import DEVICE_ITERATIONS
from pillarbox.auth.throttle import Throttle
from tests.auth.faketime import FakeTime

CHEAP = Argon2Parameters(time_cost=1, memory_kib=8)


def cheap_passwords() -> Passwords:
    return Passwords(CHEAP, scram_iterations=DEVICE_ITERATIONS)


def price(verifier: str) -> str:
    """The part of a verifier that says what one hash costs."""
    return verifier.rpartition("$")[0].rpartition("$")[0]


class CountingPasswords(Passwords):
    """Notes each proof: with which parameters, and of how many octets."""

    def __init__(self, parameters: Argon2Parameters = CHEAP) -> None:
        super().__init__(parameters, scram_iterations=DEVICE_ITERATIONS)
        self.work: list[str] = []
        self.running = 0
        self.most_at_once = 0
        self.gate = threading.Event()
        self.gate.set()
        self._count = threading.Lock()

    def proves(self, verifier: str, secret: bytes) -> bool:
        with self._count:
            self.work.append(price(verifier))
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
        try:
            assert self.gate.wait(30)
            return super().proves(verifier, secret)
        finally:
            with self._count:
                self.running -= 1


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def throttle(time: FakeTime) -> Throttle:
    return Throttle(clock=time.clock, sleep=time.sleep)


@pytest.fixture
def passwords() -> CountingPasswords:
    return CountingPasswords()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "accounts.db"


@pytest.fixture
def accounts(path: Path, passwords: CountingPasswords) -> Iterator[Accounts]:
    accounts = Accounts(path, passwords=passwords)
    yield accounts
    accounts.close()
