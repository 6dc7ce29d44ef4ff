"""What lies on disk: who may read it, and that it shrinks again."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import sqlite3
import stat
from pathlib import Path

import pytest

from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, open_store, tidy
from pillarbox.store.embedded.schema import connect

from .actor import letter
from .conftest import until


def used(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # just unlinked
            total += path.stat().st_blocks * 512
    return total


async def filled(store: EmbeddedStore) -> None:
    for n in range(10):
        await store.deliver(letter(f"large {n}", 30_000), [Recipient("alice")])
    for start in range(0, 300, 50):
        await asyncio.gather(
            *(
                store.deliver(letter(f"small {n}", 4_000), [Recipient("alice")])
                for n in range(start, start + 50)
            )
        )


async def test_nobody_else_may_read_anything(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "store"
    store = open_store(folder, shards=1)
    await filled(store)
    await store.open(Identity("alice"))
    for path in [folder, *folder.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    await store.close()


async def test_space_is_given_back_after_deletion(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", shards=1)
    await filled(store)
    full = used(tmp_path)
    maildrop = await store.open(Identity("alice"))
    await maildrop.commit(range(1, maildrop.count + 1))
    await maildrop.release()
    async with asyncio.timeout(60):
        while used(tmp_path) > full / 4:
            await store.probe()  # each answer comes after another step of tidying
    assert list((tmp_path / "store").glob("shard-*/bodies/*/*")) == []
    assert await store.check() == []
    await store.close()


async def test_a_step_of_tidying_gives_back_what_it_says(tmp_path: Path) -> None:
    """It once gave back one page, whatever it said: 30 µs of work for each message deleted."""
    store = open_store(tmp_path / "store", shards=1)
    await filled(store)
    await store.close()
    (shard,) = store.all_shards
    with contextlib.closing(connect(shard.index)) as sql:
        sql.execute("DELETE FROM bodies")
        (free,) = sql.execute("PRAGMA freelist_count").fetchone()
        assert free > 2 * tidy.STEP_PAGES + tidy.SPARE_PAGES
        while tidy.give_back(sql, []):
            (left,) = sql.execute("PRAGMA freelist_count").fetchone()
            assert left == max(free - tidy.STEP_PAGES, tidy.SPARE_PAGES)
            free = left
        assert free == tidy.SPARE_PAGES


async def test_a_part_of_the_index_stays_free_for_the_mail_to_come(tmp_path: Path) -> None:
    """Else pages were cut off each night, and added again each day."""
    store = open_store(tmp_path / "store", shards=1)
    for n in range(300):
        await store.deliver(letter(f"stays {n}", 8_000), [Recipient("alice")])
    for n in range(40):
        await store.deliver(letter(f"goes {n}", 8_000), [Recipient("bob")])
    maildrop = await store.open(Identity("bob"))
    await maildrop.commit(range(1, maildrop.count + 1))
    await maildrop.release()
    await store.close()
    (shard,) = store.all_shards
    with contextlib.closing(connect(shard.index)) as sql:
        (free,) = sql.execute("PRAGMA freelist_count").fetchone()
        assert free > 2 * tidy.SPARE_PAGES
        assert not tidy.give_back(sql, [])
        assert sql.execute("PRAGMA freelist_count").fetchone() == (free,)


async def test_the_log_is_cut_while_nobody_else_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sqlite.org/wal.html#walresetbug: else what somebody commits in that instant may be lost."""
    store = open_store(tmp_path / "store", shards=1)
    await filled(store)
    (shard,) = store.all_shards
    was_locked: list[bool] = []

    def cut_log(sql: sqlite3.Connection) -> None:
        with shard.turns.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                was_locked.append(True)
            else:
                was_locked.append(False)
        true_cut_log(sql)

    true_cut_log = tidy.cut_log
    monkeypatch.setattr(tidy, "cut_log", cut_log)
    maildrop = await store.open(Identity("alice"))
    await maildrop.commit(range(1, maildrop.count + 1))
    await until(lambda: was_locked)
    assert was_locked == [True]
    await store.close()


async def test_the_log_stays_bounded(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", shards=1)
    largest = 0
    for _ in range(6):
        await filled(store)
        (log,) = (tmp_path / "store").glob("shard-00/index.db-wal")
        largest = max(largest, log.stat().st_size)
    (index,) = (tmp_path / "store").glob("shard-00/index.db")
    assert largest < 48 * 1024 * 1024
    assert index.stat().st_size > largest
    await store.close()
