"""What repair takes away in the old post office has not been deleted: where it came to, it stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from pillarbox.store.embedded import EmbeddedStore, open_store
from pillarbox.store.memory import MemoryStore
from pillarbox.testing.store_contract import seen_next
from pillarbox.testing.store_contract.material import ALICE, delete, letter, put
from pillarbox.testing.store_contract.moving_material import move

MAIL = [letter("one"), letter("two", 3000), letter("three")]


@pytest_asyncio.fixture
async def source(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    store = open_store(tmp_path, shards=1, inline_bytes=1000)
    await put(store, ALICE, *MAIL)
    yield store
    await store.close()


async def test_what_repair_took_away_there_stays_here(
    source: EmbeddedStore, tmp_path: Path
) -> None:
    target = MemoryStore()
    await move(source, target)
    file = tmp_path / "shard-00" / "bodies" / "0000" / "2"
    file.write_bytes(file.read_bytes()[:1000])
    (finding,) = await source.check(repair=True)
    assert finding.repaired
    await delete(source, ALICE, [1])
    assert (await move(source, target)).removed == 1
    assert await seen_next(target, ALICE) == [MAIL[1].data, MAIL[2].data]


async def test_the_note_of_it_goes_with_the_maildrop(source: EmbeddedStore, tmp_path: Path) -> None:
    (tmp_path / "shard-00" / "bodies" / "0000" / "2").unlink()
    await source.check(repair=True)
    (shard,) = source.all_shards
    assert len(shard.rows("SELECT 1 FROM taken_off")) == 1
    await source.remove(ALICE)
    assert shard.rows("SELECT 1 FROM taken_off") == []
