"""The cluster engine keeps the store contract, on a real PostgreSQL and a real SeaweedFS."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pillarbox.store.cluster.engine import ClusterStore
from pillarbox.store.cluster.settings import ClusterSettings
from pillarbox.testing.store_contract import MakeStore, StoreContract
from tests.cluster.seaweedfs import SeaweedFs


class TestClusterStore(StoreContract):
    @pytest.fixture
    def make_store(self, new_database: Callable[[], str]) -> MakeStore:
        return lambda: ClusterStore(ClusterSettings(new_database()))


class TestClusterStoreWithAllBodiesInObjects(StoreContract):
    @pytest.fixture
    def make_store(self, new_database: Callable[[], str], seaweedfs: SeaweedFs) -> MakeStore:
        def make() -> ClusterStore:
            objects = seaweedfs.settings()
            return ClusterStore(ClusterSettings(new_database(), inline_bytes=0, objects=objects))

        return make
