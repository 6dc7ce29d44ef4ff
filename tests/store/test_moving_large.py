"""Large messages and large maildrops are moved in little memory."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path

import pytest

from pillarbox.model import DEFAULT_VIEW, Recipient
from pillarbox.store.embedded import open_store
from pillarbox.testing.store_contract import delete
from pillarbox.testing.store_contract.material import ALICE, letter, put
from pillarbox.testing.store_contract.moving_material import MovingEngine, move, standing

MEBIBYTE = 1024 * 1024
MANY = 100_000
AT_ONCE = 2000


async def test_one_large_message_is_in_memory_at_a_time(tmp_path: Path) -> None:
    source, target = open_store(tmp_path / "source"), open_store(tmp_path / "target")
    size = 12 * MEBIBYTE
    for number in range(6):
        await put(source, ALICE, letter(str(number), size))
    tracemalloc.start()
    try:
        assert (await move(source, target)).messages == 6
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * size  # its pieces, and the whole of them
    assert await target.check() == []
    for store in (source, target):
        await store.close()


async def fill(store: MovingEngine) -> None:
    """A hundred thousand messages, of which a device has deleted every third."""
    for first in range(0, MANY, AT_ONCE):
        numbers = range(first, first + AT_ONCE)
        outcomes = await asyncio.gather(
            *(store.deliver(letter(str(number)), [Recipient(ALICE)]) for number in numbers)
        )
        assert outcomes == [[None]] * AT_ONCE
    await store.add_view(ALICE, "phone")
    await delete(store, ALICE, [1], view=DEFAULT_VIEW)
    await delete(store, ALICE, range(1, MANY, 3), view="phone")


@pytest.mark.long
async def test_a_hundred_thousand_messages(tmp_path: Path) -> None:
    source, target = open_store(tmp_path / "source"), open_store(tmp_path / "target")
    await fill(source)
    expected = await standing(source)
    tracemalloc.start()
    try:
        await move(source, target)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1500 * MANY
    assert await standing(target) == expected
    assert (await move(source, target)).messages == 0
    assert await target.check() == []
    for store in (source, target):
        await store.close()
