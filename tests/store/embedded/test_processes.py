"""Several processes on one store: one lock, no lost mail, nothing left by the dead."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from pillarbox.contracts.errors import LockLost, MaildropLocked
from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, open_store
from pillarbox.testing.store_contract import contents, seen_next

from .actor import SHARDS, letter
from .conftest import Actors, heard, told

ALICE = Identity("alice")


@pytest.fixture
async def store(actors: Actors) -> AsyncIterator[EmbeddedStore]:
    store = open_store(actors.store, shards=SHARDS)
    await store.deliver(letter("first", 5), [Recipient("alice")])
    yield store
    await store.close()


async def test_a_lock_holds_across_processes_and_names_its_holder(
    store: EmbeddedStore, actors: Actors
) -> None:
    actor = actors.start("open:alice", "wait", "release:alice", "wait")
    assert heard(actor) == "open:alice ok"
    with pytest.raises(MaildropLocked):
        await store.open(ALICE)
    (view,) = (await store.status("alice")).views
    assert (view.locked, view.holder) == (True, f"process {actor.pid}")
    told(actor)
    assert heard(actor) == "wait ok"
    assert heard(actor) == "release:alice ok"
    maildrop = await store.open(ALICE)
    assert actors.run("open:alice").answers == {"open:alice": "MaildropLocked"}
    await maildrop.release()


async def test_a_killed_holder_holds_nothing(store: EmbeddedStore, actors: Actors) -> None:
    actor = actors.start("open:alice", "wait")
    assert heard(actor) == "open:alice ok"
    actor.kill()
    actor.wait()
    assert not (await store.status("alice")).views[0].locked
    maildrop = await store.open(ALICE)
    await maildrop.commit([1])


async def test_of_competing_processes_one_opens(store: EmbeddedStore, actors: Actors) -> None:
    competitors = [actors.start("wait", "open:alice", "wait") for _ in range(4)]
    for actor in competitors:
        told(actor)
    for actor in competitors:
        assert heard(actor) == "wait ok"
    answers = Counter(heard(actor) for actor in competitors)
    assert answers == {"open:alice ok": 1, "open:alice MaildropLocked": 3}


async def test_mail_from_another_process_comes_at_the_next_session(
    store: EmbeddedStore, actors: Actors
) -> None:
    maildrop = await store.open(ALICE)
    step = "deliver:second:20000:alice"
    assert actors.run(step).answers == {step: "ok"}
    assert await contents(maildrop) == [letter("first", 5).data]
    await maildrop.release()
    assert (await store.open(ALICE)).count == 2


async def test_a_lock_taken_away_by_another_process(store: EmbeddedStore, actors: Actors) -> None:
    actor = actors.start("open:alice", "wait", "commit:alice:1", "release:alice", "wait")
    assert heard(actor) == "open:alice ok"
    assert await store.unlock("alice")
    maildrop = await store.open(ALICE)
    told(actor)
    assert heard(actor) == "wait ok"
    assert heard(actor) == "commit:alice:1 LockLost"
    assert heard(actor) == "release:alice ok"
    assert actors.run("open:alice").answers == {"open:alice": "MaildropLocked"}
    await maildrop.commit([1])


async def test_a_remembered_lock_byte_that_is_out_of_date(
    store: EmbeddedStore, actors: Actors
) -> None:
    """This process remembers alice's lock byte; then others take her lock away and hold it."""
    await (await store.open(ALICE)).release()
    actor = actors.start("open:alice", "wait")
    assert heard(actor) == "open:alice ok"
    other = open_store(actors.store)
    assert await other.unlock("alice")
    await other.close()
    maildrop = await store.open(ALICE)  # the old byte is still locked: the new one counts
    assert await store.unlock("alice")
    with pytest.raises(LockLost):
        await maildrop.commit([1])


async def test_deliveries_of_many_processes_each_arrive_once(
    store: EmbeddedStore, actors: Actors
) -> None:
    steps = [
        tuple(f"deliver:{name}{n}:{60_000 if n == 7 else 3}:alice,bob" for n in range(25))
        for name in ("a", "b", "c")
    ]
    running = [actors.start(*of_one) for of_one in steps]
    for process in running:
        output, _ = process.communicate()
        assert output.count(" ok,ok\n") == 25
    expected = [
        letter(mark, int(size)).data
        for of_one in steps
        for _, mark, size, _ in (step.split(":") for step in of_one)
    ]
    assert sorted(await seen_next(store, "bob")) == sorted(expected)
    assert sorted(await seen_next(store, "alice")) == sorted([*expected, letter("first", 5).data])
    assert await store.check() == []


async def test_closing_one_store_drops_no_lock_of_another(
    store: EmbeddedStore, actors: Actors
) -> None:
    """POSIX drops all locks of a process on a file when any descriptor of it is closed."""
    maildrop = await store.open(ALICE)
    second = open_store(actors.store)
    with pytest.raises(MaildropLocked):
        await second.open(ALICE)
    assert (await second.status("alice")).views[0].locked
    await second.open(Identity("frank"))  # in alice's shard
    await second.close()
    answers = actors.run("open:alice", "open:frank").answers
    assert answers == {"open:alice": "MaildropLocked", "open:frank": "ok"}
    await maildrop.release()


FORKED = """
import asyncio, os, sys
from pathlib import Path
from pillarbox.model import Identity, Recipient, StoredForm
from pillarbox.store.embedded import open_store

store = open_store(Path(sys.argv[1]))

async def work(name):
    for _ in range(10):
        outcomes = await store.deliver(StoredForm(b"x\\r\\n", 3), [Recipient("alice"), Recipient("bob")])
        assert outcomes == [None, None]
    maildrop = await store.open(Identity(name))
    await maildrop.commit(range(1, maildrop.count + 1))
    await store.close()

children = []
for name in ("one", "two"):
    child = os.fork()
    if not child:
        asyncio.run(work(name))
        os._exit(0)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
asyncio.run(work("three"))
"""


async def test_a_store_may_be_made_before_the_workers_are_forked(
    store: EmbeddedStore, actors: Actors
) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", FORKED, str(actors.store))
    assert await process.wait() == 0
    assert (await store.status("bob")).count == 30
    assert await store.check() == []
