"""Maildrops are moved between any two engines that need no server. Each is once what mail comes from and once
what it goes to; the other pairs do the same by halves that have been seen to, in the long run.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from pillarbox.store.embedded import open_store
from pillarbox.store.embedded.engine import INLINE_BYTES
from pillarbox.store.memory import MemoryStore
from pillarbox.testing.store_contract.moving import MovingContract
from pillarbox.testing.store_contract.moving_material import MakeMovingStore


def embedded(folder: Path, *, shards: int = 2, inline_bytes: int = INLINE_BYTES) -> MakeMovingStore:
    numbers = count()
    return lambda: open_store(
        folder / f"store-{next(numbers)}", shards=shards, inline_bytes=inline_bytes
    )


MAKERS: dict[str, Callable[[Path], MakeMovingStore]] = {
    "memory": lambda _: MemoryStore,
    "embedded": embedded,
    "files": lambda folder: embedded(folder, shards=1, inline_bytes=0),
}


class _Made(MovingContract):
    pair: tuple[str, str]

    @pytest.fixture
    def make_source(self, tmp_path: Path) -> MakeMovingStore:
        return MAKERS[self.pair[0]](tmp_path / "source")

    @pytest.fixture
    def make_target(self, tmp_path: Path) -> MakeMovingStore:
        return MAKERS[self.pair[1]](tmp_path / "target")


class TestFromMemoryToMemory(_Made):
    pair = "memory", "memory"


@pytest.mark.long
class TestFromEmbeddedToEmbedded(_Made):
    pair = "embedded", "embedded"


@pytest.mark.long
class TestFromMemoryToEmbedded(_Made):
    pair = "memory", "embedded"


@pytest.mark.long
class TestFromEmbeddedToMemory(_Made):
    pair = "embedded", "memory"


class TestFromEmbeddedToFiles(_Made):
    pair = "embedded", "files"


class TestFromFilesToEmbedded(_Made):
    pair = "files", "embedded"
