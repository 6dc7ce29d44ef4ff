"""Accounts with cheap hashes, and a passwords object that counts its work."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.cluster import open_cluster_accounts
from pillarbox.auth.passwords import Argon2Parameters, Passwords
from pillarbox.auth.scram_keys import DEVICE_ITERATIONS
from pillarbox.auth.throttle import Throttle
from tests.auth.faketime import FakeTime
from tests.auth.places import DATABASE, FILE, TABLES, places_of
from tests.auth.test_names import NASTY
from tests.cluster.conftest import postgres as postgres  # noqa: PLC0414 -- a fixture
from tests.cluster.postgres import PostgresServer

SELDOM_IN_A_DATABASE = (
    ".test_password",
    ".test_scram",
    ".test_foreign_hashes",
    ".test_certificate",
    ".test_directory",
    ".test_users",
)
"""Modules whose tests ask accounts no more than others do: in a database for the long run only."""

NASTY_IN_SQL = {
    *(name for name in NASTY if any(sign in name for sign in "'\"\\%\0\udcff;")),
    *NASTY[::6],
}
"""Names that are tried in a database, too: those that could mean something to it, and a sample."""

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
        self.begun = threading.Event()
        """There has been a proof, or there is one that waits for the gate."""
        self._count = threading.Lock()

    def hold(self) -> None:
        """Let proofs wait from now on, until the gate is opened."""
        self.begun.clear()
        self.gate.clear()

    async def held(self) -> None:
        """Returns when one waits."""
        await asyncio.to_thread(self.begun.wait)

    def proves(self, verifier: str, secret: bytes) -> bool:
        with self._count:
            self.work.append(price(verifier))
            self.begun.set()
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


@pytest.fixture(scope="session")
def shared_database(postgres: PostgresServer) -> str:
    """One for all tests of a process, each of which begins with empty tables."""
    return postgres.new_database()


@pytest.fixture
def empty_database(postgres: PostgresServer, shared_database: str) -> str:
    # To truncate makes new files; there are few rows.
    postgres.run(
        "".join(f"DELETE FROM {table};" for table in TABLES), shared_database.rpartition("/")[2]
    )
    return shared_database


@pytest.fixture
async def accounts(
    request: pytest.FixtureRequest, passwords: CountingPasswords
) -> AsyncIterator[Accounts]:
    """Those of a server, in a file or in a database."""
    if getattr(request, "param", FILE) == FILE:
        accounts = Accounts(request.getfixturevalue("path"), passwords=passwords)
    else:
        url = request.getfixturevalue("empty_database")
        accounts = open_cluster_accounts(url, passwords=passwords, serving=True)
    yield accounts
    accounts.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if places := places_of(metafunc):
        rarely = metafunc.module.__name__.endswith(SELDOM_IN_A_DATABASE)
        marks = {DATABASE: [pytest.mark.long] if rarely else []}
        each = [pytest.param(place, marks=marks.get(place, [])) for place in places]
        metafunc.parametrize("accounts", each, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What costs a database much, and is the same as in a file, is for the long run."""
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            values = item.callspec.params
            if values.get("accounts") == DATABASE and is_much(values):
                item.add_marker(pytest.mark.long)


def is_much(values: Mapping[str, object]) -> bool:
    """A hundred that guess; and most names that are refused before anybody asks for them."""
    name = values.get("name")
    return values.get("guessers") == 100 or (name in NASTY and name not in NASTY_IN_SQL)
