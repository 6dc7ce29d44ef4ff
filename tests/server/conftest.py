"""A server on memory transports, its store, its accounts, and its log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from pillarbox.server.listener import Pop3Server
from tests.server.house import House
from tests.transport import make_server
from tests.world import Accounts, FaultyStore

Logs = list[MutableMapping[str, Any]]


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore()


@pytest.fixture
def accounts() -> Accounts:
    return Accounts({"mrose": "tanstaaf", "johndoe": "secret"})


@pytest.fixture
async def server(store: FaultyStore, accounts: Accounts) -> Pop3Server:
    return make_server(store, accounts)


@pytest.fixture
def logs() -> Iterator[Logs]:
    with capture_logs() as lines:
        yield lines


@pytest.fixture
async def house(store: FaultyStore, accounts: Accounts, tmp_path: Path) -> AsyncIterator[House]:
    house = House(store, accounts, tmp_path)
    await house.open()
    yield house
    await house.server.stop(0)
