"""The cluster engine keeps the store contract, on a real PostgreSQL and a real SeaweedFS."""

from __future__ import annotations

import pytest

from pillarbox.testing.store_contract import MakeStore, StoreContract
from tests.cluster.postgres import PostgresServer
from tests.cluster.seaweedfs import SeaweedFs
from tests.cluster.stores import StoreOfItsOwn


class TestClusterStore(StoreContract):
    @pytest.fixture
    def make_store(self, postgres: PostgresServer) -> MakeStore:
        return lambda: StoreOfItsOwn(postgres)


class TestClusterStoreWithAllBodiesInObjects(StoreContract):
    @pytest.fixture
    def make_store(self, postgres: PostgresServer, seaweedfs: SeaweedFs) -> MakeStore:
        return lambda: StoreOfItsOwn(postgres, inline_bytes=0, objects=seaweedfs.settings())
