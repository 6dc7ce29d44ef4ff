"""The cluster engine keeps the store contract, on a real PostgreSQL and a real SeaweedFS."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from pillarbox.testing.store_contract import MakeStore, StoreContract
from pillarbox.testing.store_contract.commits import CommitCases
from pillarbox.testing.store_contract.delivery import DeliveryCases
from pillarbox.testing.store_contract.machine import StoreMachine
from pillarbox.testing.store_contract.retention import RetentionCases
from pillarbox.testing.store_contract.sessions import SessionCases
from tests.cluster.postgres import PostgresServer
from tests.cluster.seaweedfs import SeaweedFs
from tests.cluster.stores import StoreOfItsOwn


class TestClusterStore(StoreContract):
    @pytest.fixture
    def make_store(self, postgres: PostgresServer) -> MakeStore:
        return lambda: StoreOfItsOwn(postgres)


class _InObjects:
    @pytest.fixture
    def make_store(self, postgres: PostgresServer, seaweedfs: SeaweedFs) -> MakeStore:
        return lambda: StoreOfItsOwn(postgres, inline_bytes=0, objects=seaweedfs.settings())


class TestBodiesInObjects(_InObjects, DeliveryCases, SessionCases, CommitCases, RetentionCases):
    """The cases in which bodies come, are read, and go."""

    async def test_any_order_of_events_agrees_with_the_model(self, make_store: MakeStore) -> None:
        fewer = settings(StoreContract.machine_settings, max_examples=8)
        await asyncio.to_thread(
            run_state_machine_as_test,
            lambda: StoreMachine(make_store),  # type: ignore[arg-type]  # a factory will do
            settings=fewer,
        )


@pytest.mark.long
class TestClusterStoreWithAllBodiesInObjects(_InObjects, StoreContract):
    pass
