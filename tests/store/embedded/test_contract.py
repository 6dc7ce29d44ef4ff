"""The embedded engine keeps the store contract, with bodies in the index and in files."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from pillarbox.store.embedded import open_store
from pillarbox.testing.store_contract import MakeStore, StoreContract


class TestEmbeddedStore(StoreContract):
    @pytest.fixture
    def make_store(self, tmp_path: Path) -> MakeStore:
        numbers = count()
        return lambda: open_store(tmp_path / f"store-{next(numbers)}", shards=2)


class TestEmbeddedStoreWithAllBodiesInFiles(StoreContract):
    @pytest.fixture
    def make_store(self, tmp_path: Path) -> MakeStore:
        numbers = count()
        return lambda: open_store(tmp_path / f"store-{next(numbers)}", shards=2, inline_bytes=0)
