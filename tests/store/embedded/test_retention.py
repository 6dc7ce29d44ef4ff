"""Retention in the embedded engine: in steps, beside sessions and other processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from pillarbox.contracts.errors import MaildropLocked, StoreUnavailable
from pillarbox.contracts.store import Expired, Retention
from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, look_at_store, open_store, retention
from pillarbox.store.embedded.jobs import delete_messages
from pillarbox.store.embedded.shards import Shard
from pillarbox.store.embedded.transaction import Transaction
from pillarbox.testing.store_contract import contents, delete, seen_next

from .actor import letter
from .conftest import Actors, heard, told, until
from .test_views import DATA, LETTERS, change, impatient, only_shard, writer_lock_of

ALICE, PHONE = Identity("alice"), Identity("alice", "phone")
WEEK = 7 * 86_400.0


@pytest.fixture
async def store(actors: Actors) -> AsyncIterator[EmbeddedStore]:
    """alice has four letters, a phone and a laptop."""
    store = open_store(actors.store, shards=1)
    for message in LETTERS:
        assert await store.deliver(message, [Recipient("alice")]) == [None]
    for view in ("phone", "laptop"):
        await store.add_view("alice", view)
    yield store
    await store.close()


async def test_what_is_old_goes_and_what_is_new_stays(store: EmbeddedStore) -> None:
    change(store, "UPDATE messages SET received_at = ? WHERE seq IN (1, 3)", time.time() - 2 * WEEK)
    await delete(store, "alice", [1, 2], view="phone")
    octets = len(DATA[0]) + len(DATA[2])
    assert await store.expire(Retention(expire_seconds=WEEK)) == Expired(2, octets)
    assert await seen_next(store, "alice", "laptop") == [DATA[1], DATA[3]]
    assert await seen_next(store, "alice", "phone") == [DATA[3]]
    assert await store.check() == []


async def test_who_was_here_lately_is_not_absent(store: EmbeddedStore) -> None:
    change(store, "UPDATE views SET created_at = ?", time.time() - 2 * WEEK)
    await delete(store, "alice", [1, 2], view="phone")
    expired = await store.expire(Retention(absent_seconds=WEEK))
    assert expired == Expired(2, len(DATA[0]) + len(DATA[1]), (("alice", "laptop"),))
    assert await seen_next(store, "alice", "laptop") == DATA[2:]
    assert await store.check() == []


async def test_a_clock_that_was_ahead_makes_nobody_absent(store: EmbeddedStore) -> None:
    change(store, "UPDATE views SET created_at = ?, seen_at = ?", time.time() - 2 * WEEK, 4e9)
    assert await store.expire(Retention(absent_seconds=WEEK)) == Expired()


async def test_default_that_always_holds_is_never_absent(actors: Actors) -> None:
    store = open_store(actors.store, shards=1, default_holds=True)
    await store.deliver(LETTERS[0], [Recipient("alice")])
    await store.add_view("alice", "phone")
    await (await store.open(ALICE)).release()
    await delete(store, "alice", [1], view="phone")
    change(store, "UPDATE views SET created_at = 1, seen_at = 1")
    expired = await store.expire(Retention(absent_seconds=WEEK))
    assert expired == Expired(absent=(("alice", "phone"),))
    assert await seen_next(store, "alice") == DATA[:1]
    await store.close()


async def test_what_the_configuration_held_goes_when_it_does_not(actors: Actors) -> None:
    store = open_store(actors.store, shards=1, default_holds=True)
    await store.deliver(LETTERS[0], [Recipient("alice")])
    await store.add_view("alice", "phone")
    await delete(store, "alice", [1], view="phone")
    await store.close()
    store = open_store(actors.store)
    assert await store.check(repair=True) == []  # default may still want it
    assert await store.expire(Retention()) == Expired(1, len(DATA[0]))
    assert await store.check() == []
    await store.close()


@pytest.fixture
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP_MESSAGES", 2)


@pytest.mark.usefixtures("short_steps")
async def test_many_go_in_steps(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        await store.deliver(letter(f"more {n}", 3), [Recipient("alice"), Recipient("bob")])
    await delete(store, "alice", range(1, 8), view="phone")
    change(store, "UPDATE views SET created_at = 1, seen_at = NULL WHERE name = 'laptop'")
    steps: list[int] = []

    def counted(transaction: Transaction, maildrop: int, seqs: Sequence[int]) -> None:
        steps.append(len(seqs))
        delete_messages(transaction, maildrop, seqs)

    monkeypatch.setattr(retention, "delete_messages", counted)
    expired = await store.expire(Retention(absent_seconds=WEEK))
    assert (expired.messages, expired.absent) == (7, (("alice", "laptop"),))
    assert steps == [2, 2, 2, 1]
    assert await store.check() == []


@pytest.mark.usefixtures("short_steps")
async def test_a_session_that_comes_between_two_steps_ends_them(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_store(only_shard(store).folder.parent)
    steps = 0
    lock_all = Shard.lock_all

    def opened_before_the_second(shard: Shard, maildrop: int) -> object:
        nonlocal steps
        steps += 1
        if steps == 2:
            sessions.append(_now(other.open(PHONE)))
        return lock_all(shard, maildrop)

    sessions: list[object] = []
    await (await store.open(PHONE)).release()
    change(store, "UPDATE messages SET received_at = 1")
    monkeypatch.setattr(Shard, "lock_all", opened_before_the_second)
    expired = await store.expire(Retention(expire_seconds=WEEK))
    assert expired == Expired(2, len(DATA[0]) + len(DATA[1]), busy=1)
    assert await seen_next(store, "alice", "laptop") == DATA[2:]
    await other.close()


def _now(coroutine: object) -> object:
    try:
        coroutine.send(None)  # type: ignore[attr-defined]  # it never waits
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


async def test_a_view_that_is_added_meanwhile_is_not_disturbed(store: EmbeddedStore) -> None:
    change(store, "UPDATE messages SET received_at = 1")
    with writer_lock_of(store):
        expiring = asyncio.create_task(store.expire(Retention(expire_seconds=WEEK)))
        await until(lambda: only_shard(store)._mine)
        change(store, "INSERT INTO views (maildrop, name, messages, octets) VALUES (1, 'x', 4, 40)")
    assert await expiring == Expired(busy=1)
    assert (await store.status("alice")).count == 4


async def test_a_sign_in_waits_for_the_step_of_its_own_process(store: EmbeddedStore) -> None:
    change(store, "UPDATE messages SET received_at = 1 WHERE seq < 3")
    with writer_lock_of(store):
        expiring = asyncio.create_task(store.expire(Retention(expire_seconds=WEEK)))
        await until(lambda: only_shard(store)._mine)
        opening = asyncio.create_task(store.open(PHONE))
        await asyncio.sleep(0)
        assert not opening.done()
    assert await contents(await opening) == DATA[2:]
    assert (await expiring).messages == 2


async def test_who_is_cancelled_keeps_the_locks_until_it_is_decided(store: EmbeddedStore) -> None:
    change(store, "UPDATE messages SET received_at = 1")
    other = open_store(only_shard(store).folder.parent)
    with writer_lock_of(store):
        expiring = asyncio.create_task(store.expire(Retention(expire_seconds=WEEK)))
        await until(lambda: only_shard(store)._mine)
        expiring.cancel()
        await asyncio.gather(expiring, return_exceptions=True)
        with pytest.raises(MaildropLocked):
            await other.open(PHONE)
    assert (await store.open(PHONE)).count == 0
    await other.close()


async def test_a_failure_ends_it(actors: Actors) -> None:
    store = open_store(actors.store, shards=1)
    await store.deliver(LETTERS[0], [Recipient("alice")])
    change(store, "UPDATE messages SET received_at = 1")
    with impatient(store), writer_lock_of(store), pytest.raises(StoreUnavailable):
        await store.expire(Retention(expire_seconds=WEEK))
    assert (await (await store.open(ALICE)).body(1)).octets == LETTERS[0].octets
    await store.close()


async def test_a_session_of_another_process_is_left_in_peace(
    store: EmbeddedStore, actors: Actors
) -> None:
    change(store, "UPDATE messages SET received_at = 1")
    actor = actors.start("open:alice+phone", "wait", "commit:alice+phone:1", "wait")
    assert heard(actor) == "open:alice+phone ok"
    assert await store.expire(Retention(expire_seconds=WEEK)) == Expired(busy=1)
    told(actor)
    assert heard(actor) == "wait ok"
    assert heard(actor) == "commit:alice+phone:1 ok"
    actor.kill()
    actor.wait()
    assert (await store.expire(Retention(expire_seconds=WEEK))).messages == 4


async def test_of_no_store_nothing_expires(tmp_path: Path) -> None:
    store = look_at_store(tmp_path / "none")
    assert await store.expire(Retention(1, 1)) == Expired()
    assert await store.waiting("alice") == []
    await store.close()
