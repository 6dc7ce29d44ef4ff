"""Views in the embedded engine: what the contract does not say, and what it must not cost."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from pillarbox.contracts.errors import LockLost, MaildropLocked, StoreUnavailable
from pillarbox.contracts.store import SEEN_PRECISION, Maildrop, ViewStatus
from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, maildrop, open_store, seen
from pillarbox.store.embedded.shards import Shard
from pillarbox.testing.store_contract import contents, delete, seen_next

from .actor import letter
from .conftest import until

ALICE, PHONE, LAPTOP = Identity("alice"), Identity("alice", "phone"), Identity("alice", "laptop")
LETTERS = [letter(str(n), n) for n in range(1, 5)]
DATA = [message.data for message in LETTERS]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    """alice has four letters and a phone; nobody has opened anything."""
    store = open_store(tmp_path / "store", shards=1)
    for message in LETTERS:
        assert await store.deliver(message, [Recipient("alice")]) == [None]
    await store.add_view("alice", "phone")
    yield store
    await store.close()


def only_shard(store: EmbeddedStore) -> Shard:
    (shard,) = store.all_shards
    return shard


def change(store: EmbeddedStore, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(only_shard(store).index)) as sql, sql:
        sql.execute(statement, values)


@contextmanager
def writer_lock_of(store: EmbeddedStore) -> Iterator[None]:
    """Somebody holds it."""
    descriptor = os.open(only_shard(store).turns, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def impatient(store: EmbeddedStore) -> Iterator[None]:
    """What waits is soon given up; before and afterwards a slow writer has its time."""
    backlog = only_shard(store).writer.backlog
    usual, backlog.patience = backlog.patience, 0.05
    try:
        yield
    finally:
        backlog.patience = usual


def at_once(coroutine: Coroutine[Any, Any, Maildrop]) -> Maildrop:
    """What it returns without ever waiting."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        opened: Maildrop = end.value
        return opened
    coroutine.close()
    raise AssertionError("it waits")


async def view_of(store: EmbeddedStore, identity: Identity) -> ViewStatus:
    (found,) = [v for v in (await store.status(identity.user)).views if v.name == identity.view]
    return found


async def test_a_sign_in_that_is_not_noted_yet_waits_for_no_lock(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "FIRST_SECONDS", 0)
    await store.deliver(LETTERS[0], [Recipient("bob")])
    with writer_lock_of(store):
        phone = at_once(store.open(PHONE))  # it holds mail back anyway
        bob = await store.open(Identity("bob"))  # nobody else could take his mail away
        assert phone.count == 4
        await phone.release()
        await bob.release()
    await store.probe()
    for identity in (PHONE, Identity("bob")):
        assert (await view_of(store, identity)).seen_at is not None


OPENED_AND_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from pillarbox.model import Identity
from pillarbox.store.embedded import open_store

async def main():
    await open_store(Path(sys.argv[1])).open(Identity(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.parametrize("user", ["bob", "carol"])
async def test_a_process_that_dies_at_the_first_sign_in_leaves_a_view_that_holds(
    store: EmbeddedStore, user: str
) -> None:
    """Carol had no maildrop before."""
    await store.deliver(LETTERS[0], [Recipient("bob")])
    folder = only_shard(store).folder.parent
    command = [sys.executable, "-c", OPENED_AND_KILLED, str(folder), user]
    ended = await asyncio.create_subprocess_exec(*command)
    assert await ended.wait() == -signal.SIGKILL
    await store.add_view(user, "phone")
    assert (await view_of(store, Identity(user))).holds


async def test_who_always_holds_need_not_wait_for_the_note(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", shards=1, default_holds=True)
    await store.deliver(LETTERS[0], [Recipient("bob")])
    await (at_once(store.open(Identity("bob")))).release()
    await store.close()


async def test_a_view_that_held_nothing_back_is_opened_when_it_does(store: EmbeddedStore) -> None:
    with writer_lock_of(store):
        opening = asyncio.create_task(store.open(ALICE))
        deleting = asyncio.create_task(delete(store, "alice", [1], view="phone"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not opening.done()
    maildrop = await opening
    await deleting
    assert await contents(maildrop) == DATA
    await maildrop.release()


async def test_what_was_deleted_before_it_was_noted_is_not_in_the_numbers(
    store: EmbeddedStore,
) -> None:
    with writer_lock_of(store):
        deleting = asyncio.create_task(delete(store, "alice", [1, 2], view="phone"))
        for _ in range(20):
            await asyncio.sleep(0)
        opening = asyncio.create_task(store.open(ALICE))
        for _ in range(20):
            await asyncio.sleep(0)
    maildrop = await opening
    await deleting
    assert (maildrop.count, await contents(maildrop)) == (2, DATA[2:])


async def test_a_view_that_cannot_be_made_to_hold_is_not_opened(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", shards=1)
    await store.add_view("alice", "phone")
    with impatient(store), writer_lock_of(store), pytest.raises(StoreUnavailable):
        await store.open(ALICE)
    await (await store.open(ALICE)).release()
    await store.close()


async def test_a_cancelled_opening_holds_no_lock(store: EmbeddedStore) -> None:
    with writer_lock_of(store):
        opening = asyncio.create_task(store.open(ALICE))
        await asyncio.sleep(0)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
    await (await store.open(ALICE)).release()


async def test_a_lock_that_is_taken_away_while_it_opens(store: EmbeddedStore) -> None:
    other = open_store(only_shard(store).folder.parent)
    with writer_lock_of(store):
        opening = asyncio.create_task(store.open(ALICE))
        unlocking = asyncio.create_task(other.unlock("alice"))
        for _ in range(20):
            await asyncio.sleep(0)
    opened, unlocked = await asyncio.gather(opening, unlocking, return_exceptions=True)
    assert unlocked is True
    if isinstance(opened, BaseException):
        assert isinstance(opened, MaildropLocked)
    else:
        with pytest.raises(LockLost):
            await opened.commit([1])
    await (await store.open(ALICE)).commit([1])
    await other.close()


async def test_who_is_there_when_a_device_comes_has_been_seen(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late the note of a session that began when there was no other view."""
    await store.deliver(LETTERS[0], [Recipient("bob")])
    monkeypatch.setattr(type(only_shard(store).seen), "note", lambda *_: None)
    bob = await store.open(Identity("bob"))
    await store.add_view("bob", "phone")
    await delete(store, "bob", [1], view="phone")
    assert await contents(bob) == DATA[:1]


async def test_seen_is_noted_four_times_a_day(store: EmbeddedStore) -> None:
    for ago, is_noted in ((SEEN_PRECISION - 60, False), (SEEN_PRECISION + 60, True), (-60, True)):
        then = time.time() - ago
        change(store, "UPDATE views SET seen_at = ?", then)
        await (await store.open(PHONE)).release()
        await store.probe()
        assert ((await view_of(store, PHONE)).seen_at != then) is is_noted


async def test_after_a_note_that_failed_there_is_a_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "FIRST_SECONDS", 0)
    store = open_store(tmp_path / "store", shards=1)
    for user in ("alice", "bob"):
        await store.deliver(LETTERS[0], [Recipient(user)])
    backlog = only_shard(store).writer.backlog
    with impatient(store), writer_lock_of(store):
        await (await store.open(ALICE)).release()
        assert backlog
        await until(lambda: only_shard(store).seen._resting_until)
        await (await store.open(ALICE)).release()
        await (await store.open(Identity("bob"))).release()
        assert not backlog
    await store.close()


def once_each(statements: list[str]) -> list[str]:
    """One with a trigger is told of again when that begins."""
    return [statement for statement, _ in groupby(statements)]


async def test_one_view_costs_no_statement_more(store: EmbeddedStore) -> None:
    """Than before there were devices: 11 for a deletion, 9 for a delivery."""
    for _ in range(3):
        await store.deliver(LETTERS[0], [Recipient("bob")])
    bob = Identity("bob")
    await (await store.open(bob)).release()
    await store.probe()
    shard = only_shard(store)
    assert shard._cursor
    assert shard.writer._sql
    read: list[str] = []
    written: list[str] = []
    shard._cursor.connection.set_trace_callback(read.append)
    shard.writer._sql.set_trace_callback(written.append)
    opened = await store.open(bob)
    assert len(read) == 1
    await opened.messages(1, opened.count)
    await opened.body(1)
    assert len(read) == 3
    assert not any("hidden" in statement for statement in read)
    await opened.commit([1, 2])
    deletion = once_each(written[: 1 + written.index("COMMIT")])
    assert len(deletion) == 11, deletion
    assert sum("hidden" in statement for statement in deletion) == 1  # with the epoch
    await store.probe()
    written.clear()
    await store.deliver(LETTERS[0], [Recipient("bob")])
    delivery = once_each(written[: 1 + written.index("COMMIT")])
    assert len(delivery) == 9, delivery
    shard._cursor.connection.set_trace_callback(None)


@pytest.mark.parametrize("at_hand", [0, 10_000], ids=["by a thread", "at once"])
@pytest.mark.parametrize("small", [0, 10_000], ids=["large", "small"])
async def test_a_view_of_few_among_many(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch, at_hand: int, small: int
) -> None:
    monkeypatch.setattr(maildrop, "AT_HAND", at_hand)
    monkeypatch.setattr(maildrop, "SMALL", small)
    for n in range(30):
        await store.deliver(letter(f"more {n}", n), [Recipient("alice")])
    whole = await store.listing("alice")
    left = list(range(34))
    for gone in ([0, 1], [33], [7, 8, 9], list(range(12, 30)), [2, 3, 4, 5, 6, 10]):
        await delete(store, "alice", [left.index(n) + 1 for n in gone], view="phone")
        left = [n for n in left if n not in gone]
        opened = await store.open(PHONE)
        infos = await opened.messages(1, opened.count)
        assert [info.unique_id for info in infos] == [whole[n].unique_id for n in left]
        assert [info.number for info in infos] == list(range(1, len(left) + 1))
        for number, info in enumerate(infos, 1):
            assert (await opened.body(number)).octets == info.octets
        await opened.release()
        assert await store.listing("alice", "phone") == infos


async def test_mail_that_came_since_needs_no_look_at_what_is_hidden(store: EmbeddedStore) -> None:
    await delete(store, "alice", [1, 2, 3, 4], view="phone")
    for n in range(3):
        await store.deliver(letter(f"new {n}", 3), [Recipient("alice")])
    opened = await store.open(PHONE)
    cursor = only_shard(store)._cursor
    assert cursor
    read: list[str] = []
    cursor.connection.set_trace_callback(read.append)
    assert len(await opened.messages(1, 3)) == 3
    assert not any("hidden" in statement for statement in read)
    cursor.connection.set_trace_callback(None)


async def test_what_a_session_has_deleted_it_cannot_read(store: EmbeddedStore) -> None:
    await store.add_view(*LAPTOP)
    opened = await store.open(PHONE)
    await opened.commit([2])
    with pytest.raises(StoreUnavailable):
        await opened.body(2)
    assert await contents_of(opened, 1, 3, 4) == [DATA[0], DATA[2], DATA[3]]


async def contents_of(opened: Maildrop, *numbers: int) -> list[Any]:
    return [(await opened.body(number)).content for number in numbers]


async def test_deleting_twice_counts_once(store: EmbeddedStore) -> None:
    await store.add_view("alice", "laptop")
    opened = await store.open(PHONE)
    for _ in range(2):
        await opened.commit([2, 3])
    await opened.release()
    assert (await view_of(store, PHONE)).count == 2
    assert await store.check() == []


DELETION_OF_BEFORE = (
    "DELETE FROM messages WHERE maildrop = 1 AND seq IN (1, 2)",
    "UPDATE maildrops SET messages = messages - 2, octets = octets - 3 WHERE id = 1",
    "UPDATE views SET messages = messages - 2, octets = octets - 3 WHERE maildrop = 1",
)
"""What a Pillarbox that knew nothing of devices did when a client had deleted two messages."""


async def test_a_process_from_before_there_were_devices_takes_none_their_mail(
    store: EmbeddedStore,
) -> None:
    """It serves on while the new one is installed, and `device add` is given."""
    *first, last = DELETION_OF_BEFORE
    with closing(sqlite3.connect(only_shard(store).index)) as sql:
        for statement in first:
            sql.execute(statement)
        with pytest.raises(sqlite3.IntegrityError, match="restart it"):
            sql.execute(last)
    assert await seen_next(store, "alice", view="phone") == DATA
    assert await store.check() == []


async def test_a_process_from_before_there_were_devices_serves_who_has_none(
    store: EmbeddedStore,
) -> None:
    await store.remove_view(*PHONE)
    for statement in DELETION_OF_BEFORE:
        change(store, statement)
    assert await seen_next(store, "alice") == DATA[2:]


async def test_default_may_hold_from_the_start(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", shards=1, default_holds=True)
    await store.add_view("alice", "phone")
    assert (await view_of(store, ALICE)).holds
    assert (await view_of(store, Identity("nobody"))).holds
    for message in LETTERS:
        await store.deliver(message, [Recipient("alice")])
    await delete(store, "alice", [1, 2, 3, 4], view="phone")
    assert {waiting.held_by for waiting in await store.waiting("alice")} == {("default",)}
    assert await seen_next(store, "alice") == DATA
    await store.remove_view("alice", "default")
    assert (await view_of(store, ALICE)).holds
    await store.close()
