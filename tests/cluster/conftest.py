"""What the tests of the cluster engine stand on: real servers, one of each for a process of pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pillarbox.store.cluster.objects import ObjectSettings
from tests.cluster.postgres import PostgresServer, postgres_server
from tests.cluster.seaweedfs import SeaweedFs, seaweedfs_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that runs. Who stops it starts it again."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def new_database(postgres: PostgresServer) -> Iterator[Callable[[], str]]:
    """Makes databases with our tables, each unused; gives their URLs."""
    made: list[str] = []

    def make() -> str:
        made.append(postgres.new_database())
        return made[-1]

    yield make
    for url in made:
        postgres.give_back(url)


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """The URL of an unused database with our tables."""
    return new_database()


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[SeaweedFs]:
    """A SeaweedFS that runs. Who stops a part of it starts it again."""
    with seaweedfs_server() as server:
        yield server


@pytest.fixture
def objects_settings(seaweedfs: SeaweedFs) -> ObjectSettings:
    """An unused place for bodies."""
    return seaweedfs.settings()
