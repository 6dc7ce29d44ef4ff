"""Damaged files, a full disk, foreign files: clear errors, and no harm to the rest."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from pillarbox.contracts.errors import BodyDamaged, StoreUnavailable
from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, open_store, stream
from pillarbox.store.embedded.engine import PROBE_OCTETS
from pillarbox.store.embedded.errors import unavailable
from pillarbox.store.embedded.jobs import Probe
from pillarbox.store.embedded.transaction import Job, Transaction
from pillarbox.testing.store_contract import content, seen_next
from pillarbox.testing.store_contract.material import key_next

from .actor import SHARDS, letter
from .conftest import Actors

# alice lies in shard 1, bob in shard 0
ALICE, BOB = Identity("alice"), Identity("bob")
SMALL, LARGE = letter("small", 5), letter("large", 20_000)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A store in which alice and bob have a small and a large letter."""
    store = open_store(tmp_path / "store", shards=SHARDS)
    for message in (SMALL, LARGE):
        await store.deliver(message, [Recipient("alice"), Recipient("bob")])
    await store.close()
    return tmp_path / "store"


@pytest.fixture
async def store(folder: Path) -> AsyncIterator[EmbeddedStore]:
    store = open_store(folder)
    yield store
    await store.close()


def body_file(folder: Path) -> Path:
    """alice's large body."""
    (found,) = (folder / "shard-01" / "bodies").glob("*/*")
    return found


async def test_a_damaged_index_is_named_and_harms_no_other_shard(folder: Path) -> None:
    index = folder / "shard-01" / "index.db"
    index.write_bytes(b"not an index, but something else" * 1000)
    store = open_store(folder)
    with pytest.raises(StoreUnavailable, match=str(index)) as caught:
        await store.open(ALICE)
    assert not caught.value.temporary
    refused, delivered = await store.deliver(SMALL, [Recipient("alice"), Recipient("bob")])
    assert delivered is None
    assert isinstance(refused, StoreUnavailable)
    assert not refused.temporary
    assert str(index) in str(refused)
    assert await seen_next(store, "bob") == [SMALL.data, LARGE.data, SMALL.data]
    with pytest.raises(StoreUnavailable):
        await store.probe()
    (finding,) = await store.check()
    assert str(index) in finding.problem
    assert not finding.repaired
    await store.close()


async def test_a_page_of_rubbish_is_permanent_damage(folder: Path) -> None:
    index = folder / "shard-01" / "index.db"
    with index.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (index.stat().st_size - 8192))
    store = open_store(folder)
    with pytest.raises(StoreUnavailable, match=str(index)) as caught:
        await store.open(ALICE)
    assert not caught.value.temporary
    findings = await store.check()
    assert findings
    assert all(str(index) in finding.problem for finding in findings)
    await store.close()


async def test_a_missing_body_file_is_named_and_stays_listed(
    folder: Path, store: EmbeddedStore
) -> None:
    body_file(folder).unlink()
    maildrop = await store.open(ALICE)
    with pytest.raises(BodyDamaged, match=r"bodies/0000/2 is missing"):
        await maildrop.body(2)
    assert await content(await maildrop.body(1)) == SMALL.data
    assert len(await maildrop.messages(1, 2)) == 2
    await maildrop.commit([2])
    await maildrop.release()
    assert await seen_next(store, "alice") == [SMALL.data]
    assert await seen_next(store, "bob") == [SMALL.data, LARGE.data]


@pytest.mark.parametrize("change", [-1, 1])
async def test_a_body_file_of_the_wrong_size_is_damaged(
    folder: Path, store: EmbeddedStore, change: int
) -> None:
    os.truncate(body_file(folder), len(LARGE.data) + change)
    maildrop = await store.open(ALICE)
    with pytest.raises(BodyDamaged, match=f"has {len(LARGE.data) + change} bytes"):
        await maildrop.body(2)


async def test_a_body_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    message = letter("very large", 50_000)
    store = open_store(tmp_path / "store", shards=1)
    await store.deliver(message, [Recipient("alice")])
    body = await (await store.open(ALICE)).body(1)
    assert not isinstance(body.content, bytes)
    received = await anext(body.content)
    (file,) = (tmp_path / "store" / "shard-00" / "bodies").glob("*/*")
    os.truncate(file, len(received) + 100)
    assert len(await anext(body.content)) == 100
    with pytest.raises(BodyDamaged, match=str(file)):
        await anext(body.content)
    await body.content.aclose()
    await store.close()


async def test_a_missing_body_row_is_damage(folder: Path, store: EmbeddedStore) -> None:
    with closing(sqlite3.connect(folder / "shard-01" / "index.db")) as sql, sql:
        sql.execute("DELETE FROM bodies WHERE id = 1")
    maildrop = await store.open(ALICE)
    with pytest.raises(BodyDamaged, match="body 1 is missing"):
        await maildrop.body(1)


@pytest.mark.parametrize("nowait", [0, stream._NOWAIT])
async def test_bodies_are_read_with_and_without_a_look_into_the_page_cache(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch, nowait: int
) -> None:
    monkeypatch.setattr(stream, "_NOWAIT", nowait)
    assert await seen_next(store, "alice") == [SMALL.data, LARGE.data]


async def test_a_reader_cancelled_while_a_thread_reads(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_NOWAIT", 0)
    maildrop = await store.open(ALICE)
    body = await maildrop.body(2)
    assert not isinstance(body.content, bytes)
    reading = asyncio.ensure_future(anext(body.content))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await body.content.aclose()
    assert await content(await maildrop.body(2)) == LARGE.data


async def test_a_full_disk_refuses_the_large_and_takes_the_small(
    folder: Path, actors: Actors
) -> None:
    large, small = "deliver:huge:90000:alice,bob", "deliver:tiny:5:alice,bob"
    answers = actors.run("limit:400000", large, small).answers
    assert answers[large].startswith("temporary no room to write")
    assert str(folder / "staging") in answers[large]
    assert answers[small] == "ok,ok"
    assert list((folder / "staging").iterdir()) == []
    store = open_store(folder)
    assert await seen_next(store, "alice") == [SMALL.data, LARGE.data, letter("tiny", 5).data]
    assert await store.check() == []
    await store.close()


async def test_a_disk_that_fills_up_loses_nothing_acknowledged(
    folder: Path, actors: Actors
) -> None:
    steps = [f"deliver:fill{n}:1000:alice" for n in range(80)]
    answers = actors.run("limit:300000", *steps).answers
    taken = [step.split(":")[1] for step in steps if answers[step] == "ok"]
    assert 0 < len(taken) < len(steps)
    assert all(answers[step].startswith(("ok", "temporary")) for step in steps)
    store = open_store(folder)
    expected = [SMALL.data, LARGE.data, *(letter(mark, 1000).data for mark in taken)]
    assert await seen_next(store, "alice") == expected
    assert await store.check() == []
    await store.close()


class Spoiler(Job[None]):
    """A job which ends the whole transaction, as SQLite does when the disk is full."""

    def run(self, transaction: Transaction) -> None:
        transaction.sql.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")


class Bug(Job[None]):
    def run(self, transaction: Transaction) -> None:
        transaction.sql.execute("DELETE FROM maildrops")
        raise ZeroDivisionError


async def test_one_bad_job_takes_no_other_with_it(store: EmbeddedStore) -> None:
    shard = store.all_shards[1]
    jobs: list[Job[None]] = [Probe(), Spoiler(), Probe(), Bug(), Probe()]
    answers = [shard.writer.submit(job) for job in jobs]
    outcomes = await asyncio.gather(*answers)
    kinds = [type(outcome) for outcome in outcomes]
    nothing = type(None)
    assert kinds == [nothing, StoreUnavailable, nothing, ZeroDivisionError, nothing]
    assert (await store.status("alice")).count == 2


async def test_the_number_of_shards_is_the_stores_own(folder: Path) -> None:
    store = open_store(folder, shards=7)
    assert len(store.all_shards) == SHARDS
    assert await seen_next(store, "alice") == [SMALL.data, LARGE.data]
    await store.close()


@pytest.mark.parametrize(
    "description",
    [b"", b"{", b"[]", b'{"format": 1}', json.dumps({"format": 9, "shards": 2}).encode(),
     b'{"format": 1, "shards": "2"}', b'{"format": 1, "shards": 0}', b"\xff"],
)  # fmt: skip
def test_a_description_that_is_not_understood(folder: Path, description: bytes) -> None:
    (folder / "store.json").write_bytes(description)
    with pytest.raises(StoreUnavailable, match=r"store\.json") as caught:
        open_store(folder)
    assert not caught.value.temporary


def test_an_index_of_a_newer_version(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "shard-00" / "index.db")) as sql:
        sql.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match="has version 99"):
        open_store(folder)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match=str(tmp_path / "file")):
        open_store(tmp_path / "file" / "store")


async def test_an_index_that_vanishes_is_temporary(folder: Path) -> None:
    store = open_store(folder)
    (folder / "shard-01" / "index.db").rename(folder / "elsewhere")
    with pytest.raises(StoreUnavailable, match=r"shard-01/index\.db") as caught:
        await store.open(ALICE)
    assert caught.value.temporary
    (folder / "elsewhere").rename(folder / "shard-01" / "index.db")
    assert await seen_next(store, "alice") == [SMALL.data, LARGE.data]
    await store.close()


async def test_who_held_the_store_before_the_disk_filled_up_can_still_collect(
    folder: Path, actors: Actors
) -> None:
    """SQLite's files beside the index are made by the first connection, which takes room."""
    deliver, late = "deliver:more:5:alice", "deliver:later:5:bob"
    steps = ("hold", "limit:1", deliver, "open:alice", "release:alice", "open:bob", late)
    answers = actors.run(*steps).answers
    assert answers[deliver].startswith("temporary")
    assert answers[late].startswith("temporary")
    assert {answers[step] for step in steps if not step.startswith("deliver")} == {"ok"}
    store = open_store(folder)
    assert await seen_next(store, "alice") == [SMALL.data, LARGE.data]
    assert await store.check() == []
    await store.close()


async def test_holding_a_damaged_shard_harms_no_other(folder: Path) -> None:
    (folder / "shard-01" / "index.db").write_bytes(b"not an index" * 1000)
    store = open_store(folder)
    store.hold()
    assert await seen_next(store, "bob") == [SMALL.data, LARGE.data]
    with pytest.raises(StoreUnavailable):
        await store.open(ALICE)
    await store.close()


async def test_an_index_put_back_from_a_backup_is_found_by_who_held_the_damaged_one(
    folder: Path,
) -> None:
    index = folder / "shard-01" / "index.db"
    whole = index.read_bytes()
    store = open_store(folder)
    store.hold()
    index.write_bytes(b"\xff" * len(whole))
    with pytest.raises(StoreUnavailable):
        await store.open(ALICE)
    for beside in (index.with_name("index.db-wal"), index.with_name("index.db-shm")):
        beside.unlink(missing_ok=True)
    index.write_bytes(whole)  # into the same file: another one would want a restart
    assert await seen_next(store, "alice") == [SMALL.data, LARGE.data]
    await store.close()


def full(monkeypatch: pytest.MonkeyPatch, **room: int) -> None:
    """Have every file system say how much *room* it has left."""
    said = {"f_bavail": 1, "f_files": 1000, "f_favail": 1, **room}
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**said))


def io_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    "code",
    [sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CANTOPEN,
     sqlite3.SQLITE_IOERR_SHMMAP],
)  # fmt: skip
@pytest.mark.parametrize("room", [{"f_bavail": 0}, {"f_favail": 0}], ids=["blocks", "inodes"])
def test_a_disk_without_room_is_called_full_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, code: int, room: dict[str, int]
) -> None:
    full(monkeypatch, **room)
    error = unavailable(io_error(code), Path("/mail/index.db"))
    assert error.temporary
    assert str(error) == "no room to write /mail/index.db: disk I/O error; free space"


@pytest.mark.parametrize("room", [{}, {"f_files": 0, "f_favail": 0}], ids=["room", "no inodes"])
def test_an_error_of_a_disk_with_room_is_not_called_full(
    monkeypatch: pytest.MonkeyPatch, room: dict[str, int]
) -> None:
    full(monkeypatch, **room)
    error = unavailable(io_error(sqlite3.SQLITE_IOERR_READ), Path("/mail/index.db"))
    assert str(error) == "cannot use /mail/index.db: disk I/O error"


def test_an_error_on_a_file_system_that_says_nothing_is_not_called_full(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "index.db"
    assert str(unavailable(io_error(sqlite3.SQLITE_IOERR_WRITE), path)).startswith("cannot use")


def test_a_store_on_a_disk_without_inodes_or_blocks_at_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full(monkeypatch, f_bavail=0)

    def fail(*_: object, **__: object) -> None:
        raise io_error(sqlite3.SQLITE_IOERR_SHMSIZE)

    monkeypatch.setattr(sqlite3, "connect", fail)
    with pytest.raises(StoreUnavailable, match=r"no room to write .*index\.db: .*; free space"):
        open_store(folder)


async def test_a_thread_that_could_not_be_started_is_started_by_the_next_job(
    tmp_path: Path,
) -> None:
    """The system gives no more threads (a limit of tasks); what was refused never runs."""
    store = open_store(tmp_path / "store", shards=1)
    usual = threading.stack_size(2**46)
    try:
        (refused,) = await store.deliver(letter("refused", 5), [Recipient("alice")])
    finally:
        threading.stack_size(usual)
    assert isinstance(refused, StoreUnavailable)
    assert refused.temporary
    assert "cannot start a thread" in str(refused)
    assert await store.deliver(letter("stored", 5), [Recipient("alice")]) == [None]
    assert await seen_next(store, "alice") == [letter("stored", 5).data]
    await store.close()


@pytest.mark.parametrize("says", [errno.EINVAL, errno.EOPNOTSUPP])
async def test_a_file_system_that_reserves_nothing_is_written_to(
    store: EmbeddedStore, folder: Path, says: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ZFS on FreeBSD, others with musl: none of them is here to be asked."""

    def refused(*_: int) -> None:
        raise OSError(says, os.strerror(says))

    monkeypatch.setattr(os, "posix_fallocate", refused, raising=False)
    await store.probe()
    assert list((folder / "staging").iterdir()) == []


async def test_a_disk_without_room_to_reserve_is_not_well(
    store: EmbeddedStore, folder: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PROBE_OCTETS - 1, hard))
    try:
        with pytest.raises(StoreUnavailable, match="no room"):
            await store.probe()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((folder / "staging").iterdir()) == []
    await store.probe()


async def test_a_listing_is_never_taken_for_that_of_a_backup_put_back(tmp_path: Path) -> None:
    """Mail that comes afterwards gets numbers that were given before; its unique-ids are new."""
    store = open_store(tmp_path / "store", shards=1)
    index = store.all_shards[0].index
    assert await store.deliver(SMALL, [Recipient("alice")]) == [None]
    with closing(sqlite3.connect(index)) as live, closing(sqlite3.connect(":memory:")) as backup:
        live.backup(backup)
        assert await store.deliver(SMALL, [Recipient("alice")]) == [None]
        key = await key_next(store, "alice")
        before = await store.listing("alice")
        backup.backup(live)
    assert await store.deliver(SMALL, [Recipient("alice")]) == [None]
    after = await store.listing("alice")
    assert [info[:2] for info in after] == [info[:2] for info in before]
    assert after[1].unique_id != before[1].unique_id
    assert await key_next(store, "alice") != key
    await store.close()
