"""Bodies that several messages share go with the last of them, and not before."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import combinations
from pathlib import Path

import pytest

from pillarbox.contracts.store import Maildrop
from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, open_store

from .actor import letter

ALICE, BOB = Identity("alice"), Identity("bob")
SMALL, LARGE = 3, 3_000
"""Lines; the latter become a file."""
MESSAGES = 6
SENT = (
    (letter("twice", SMALL), ("alice", "alice")),
    (letter("twice, large", LARGE), ("alice", "alice")),
    (letter("for both", SMALL), ("alice", "bob")),
    (letter("for both, large", LARGE), ("alice", "bob")),
)
HERS = [message.data for message, names in SENT for name in names if name == "alice"]
HIS = [message.data for message, names in SENT for name in names if name == "bob"]

SUBSETS = [
    numbers
    for size in range(1, MESSAGES + 1)
    for numbers in combinations(range(1, MESSAGES + 1), size)
]


async def contents(maildrop: Maildrop) -> list[bytes]:
    found = []
    for number in range(1, maildrop.count + 1):
        content = (await maildrop.body(number)).content
        found.append(
            content if isinstance(content, bytes) else b"".join([piece async for piece in content])
        )
    return found


async def left_of(store: EmbeddedStore, identity: Identity) -> list[bytes]:
    maildrop = await store.open(identity)
    found = await contents(maildrop)
    await maildrop.release()
    return found


async def delete(store: EmbeddedStore, identity: Identity, numbers: Sequence[int]) -> None:
    maildrop = await store.open(identity)
    await maildrop.commit(numbers)
    await maildrop.release()


def kept(folder: Path) -> tuple[int, int]:
    """How many bodies there are, and how many files of bodies."""
    shard = folder / "shard-00"
    with closing(sqlite3.connect(shard / "index.db")) as sql:
        ((bodies,),) = sql.execute("SELECT count(*) FROM bodies").fetchall()
    return bodies, len(list(shard.glob("bodies/*/*")))


@pytest.mark.parametrize("numbers", SUBSETS, ids=str)
async def test_any_of_them_may_be_deleted_first(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    store = open_store(tmp_path, shards=1, inline_bytes=1000)
    for message, names in SENT:
        await store.deliver(message, [Recipient(name) for name in names])
    assert len(HERS) == MESSAGES
    await delete(store, ALICE, numbers)
    left = [data for number, data in enumerate(HERS, 1) if number not in numbers]
    assert await left_of(store, ALICE) == left
    assert await left_of(store, BOB) == HIS
    assert await store.check() == []
    await delete(store, ALICE, range(1, len(left) + 1))
    assert await left_of(store, BOB) == HIS
    assert await store.check() == []
    await delete(store, BOB, [1, 2])
    assert await store.check() == []
    await store.close()
    assert kept(tmp_path) == (0, 0)


async def test_a_maildrop_that_is_removed_leaves_what_others_share(tmp_path: Path) -> None:
    store = open_store(tmp_path, shards=1, inline_bytes=1000)
    for message, names in SENT:
        await store.deliver(message, [Recipient(name) for name in names])
    await store.remove("alice")
    assert await left_of(store, BOB) == HIS
    assert await store.check() == []
    await store.remove("bob")
    await store.close()
    assert kept(tmp_path) == (0, 0)
