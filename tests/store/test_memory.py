"""The fake keeps the store contract."""

from __future__ import annotations

import pytest

from pillarbox.store.memory import MemoryStore
from pillarbox.testing.store_contract import MakeStore, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        return MemoryStore
