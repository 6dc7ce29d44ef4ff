"""``kill -9`` while a maildrop is moved here, between any two writes: then it is closed, or whole; and moved once
more it is what it is there.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from pillarbox.contracts.errors import MaildropLocked
from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import open_store
from pillarbox.testing.store_contract import delete
from pillarbox.testing.store_contract.moving_material import move, standing

from .actor import SHARDS, letter
from .conftest import Actors
from .test_crash import LARGE, LINK, MKDIR, SMALL, STAGING, UNLINK

ALICE = "alice"
WRITER = "pillarbox-shard-01"
"""Hers."""
SPARSE = 5
POINTS = (
    *((WRITER, call) for call in ("fdatasync", "fsync", LINK, MKDIR)),
    *((STAGING, call) for call in ("?open,openat", "fsync", UNLINK)),
)


@pytest.fixture
async def source(tmp_path: Path) -> Path:
    """A store in which Alice has a device, and mail that it has half read."""
    folder = tmp_path / "source"
    store = open_store(folder, shards=SHARDS)
    await store.add_view(ALICE, "phone")
    for number in range(6):
        message = letter(f"mark {number}", LARGE if number % 3 == 1 else SMALL)
        assert await store.deliver(message, [Recipient(ALICE)]) == [None]
    await (await store.open(Identity(ALICE))).release()
    await delete(store, ALICE, [1, 2, 3], view="phone")
    await store.close()
    return folder


@pytest.mark.parametrize(("thread", "call"), POINTS)
async def test_kill_between_any_two_writes(
    thread: str, call: str, strace: str, actors: Actors, source: Path
) -> None:
    await killed_at_each(thread, call, 1, strace, actors, source)


async def test_kill_before_some_writes_of_the_index(
    strace: str, actors: Actors, source: Path
) -> None:
    await killed_at_each(WRITER, "pwrite64", SPARSE, strace, actors, source)


async def killed_at_each(
    thread: str, call: str, stride: int, strace: str, actors: Actors, source: Path
) -> None:
    for number in count(1, stride):
        folder = actors.store.with_name(f"store-{number}")
        one = actors.on(folder)
        await open_store(folder, shards=SHARDS).close()
        inject = ("-e", f"inject={call}:signal=KILL:when={number}")
        ended = one.run_traced(strace, thread, inject, f"move:{source}:{ALICE}")
        one.end()
        await assert_sound(folder, source, whole=bool(ended.answers.get(f"move:{source}:{ALICE}")))
        if ended.status == 0:
            assert number > 1 or call in (MKDIR, UNLINK), f"{thread} never calls {call}"
            return
        assert ended.status == -9


async def assert_sound(folder: Path, source: Path, *, whole: bool) -> None:
    store, there = open_store(folder), open_store(source)
    expected = await standing(there)
    assert await store.check() == []
    try:
        await (await store.open(Identity(ALICE))).release()
    except MaildropLocked:
        assert not whole
    else:
        found = await standing(store)
        assert found == expected or not (whole or found.mail)
    await store.close()
    store = open_store(folder)
    if (await standing(store)).mail == [] and ALICE in await store.users():
        await store.remove(ALICE)  # it was opened above: a maildrop of its own
    await move(there, store)
    assert (await standing(store)).mail == expected.mail
    assert await store.check() == []
    await store.close()
    await there.close()
