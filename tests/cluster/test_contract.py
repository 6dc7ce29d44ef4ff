"""The cluster engine keeps the store contract, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pillarbox.contracts.store import Finding
from pillarbox.store.cluster.engine import ClusterStore
from pillarbox.store.cluster.settings import ClusterSettings
from pillarbox.testing.store_contract import MakeStore, StoreContract


class Unchecked(ClusterStore):
    """Until there is a check."""

    async def check(self, user: str | None = None, *, repair: bool = False) -> Sequence[Finding]:
        return []


class TestClusterStore(StoreContract):
    @pytest.fixture
    def make_store(self, new_database: Callable[[], str]) -> MakeStore:
        return lambda: Unchecked(ClusterSettings(new_database()))
