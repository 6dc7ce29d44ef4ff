"""The outbox ends when it is asked to, whatever else happens in that moment."""

from __future__ import annotations

import asyncio

import pytest

from tests.postoffice import PATIENCE
from tests.reader.outbox.world import World


@pytest.mark.parametrize("turns", range(8))
async def test_it_ends_although_it_was_woken_just_before(turns: int, world: World) -> None:
    """``asyncio.wait_for`` of Python 3.11 forgot that it was cancelled if what it waited for came in the same turn."""
    await world.until_left(world.put())  # it runs
    world.put(account="another", hold_seconds=60)
    for _ in range(100):  # turns of the loop, after which it waits for that moment
        await asyncio.sleep(0)
    world.outbox.nudge("nobody")
    for _ in range(turns):
        await asyncio.sleep(0)
    ending = asyncio.ensure_future(world.stop())
    done, _ = await asyncio.wait({ending}, timeout=PATIENCE / 10)
    assert done, "it goes on"
