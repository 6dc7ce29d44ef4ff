"""``kill -9`` between any two writes, and writes that fail, while devices delete, go and expire.

As in ``test_crash``, but of views. What must be there afterwards says the memory engine, which
does the steps that were answered with ok; the step that the crash cut short has been done or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, cycle
from pathlib import Path

import pytest

from pillarbox.contracts.errors import NoSuchView
from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, open_store
from pillarbox.store.memory import MemoryStore
from pillarbox.testing.store_contract import Engine, contents

from .actor import Actor, letter
from .conftest import Actors
from .test_crash import LARGE, LINK, MKDIR, SMALL, UNLINK, restored

LETTERS = [
    letter(mark, LARGE if "large" in mark else SMALL) for mark in ("a", "large-b", "large-c", "d")
]
VIEWS = ("default", "phone", "laptop", "tablet")
STEPS = (
    "open:alice+phone",
    "commit:alice+phone:1,2",
    "release:alice+phone",
    "open:alice+laptop",
    "commit:alice+laptop:1,3",  # 1 goes
    "release:alice+laptop",
    "remove:alice:laptop",  # 2 goes, 3 is deleted by a view that is gone
    "add:alice:tablet",
    "remove:alice:default",
    f"deliver:large-e:{LARGE}:alice",
    "expire:0:0.000001",  # 3 goes
    "open:alice",
    "open:alice+tablet",
    "commit:alice+tablet:1",
    "release:alice",
    "release:alice+tablet",
    "expire:0.000001:0",
)
WRITER = "pillarbox-shard-00"
CALLS = ("fdatasync", "fsync", LINK, UNLINK, MKDIR)
MAY_BE_ABSENT = (MKDIR,)
SPARSE = 9


@pytest.fixture
async def before(tmp_path: Path) -> Path:
    folder = tmp_path / "before"
    store = open_store(folder, shards=1)
    await furnish(store)
    await store.close()
    return folder


async def furnish(store: Engine) -> None:
    for message in LETTERS:
        assert await store.deliver(message, [Recipient("alice")]) == [None]
    for view in ("phone", "laptop"):
        await store.add_view("alice", view)


async def seen_by_all(store: Engine) -> dict[str, list[bytes] | None]:
    """What each view lists; None: there is no such view. Locks and unlocks each."""
    found: dict[str, list[bytes] | None] = {}
    for view in VIEWS:
        try:
            maildrop = await store.open(Identity("alice", view))
        except NoSuchView:
            found[view] = None
        else:
            found[view] = await contents(maildrop)
            await maildrop.release()
    return found


async def after(steps: Sequence[str]) -> dict[str, list[bytes] | None]:
    """What is to be there after these steps."""
    store = MemoryStore()
    await furnish(store)
    actor = Actor(store)
    for step in steps:
        assert await actor.do(step) == "ok", step
    for session in actor.open.values():
        await session.release()
    return await seen_by_all(store)


async def assert_sound(folder: Path, answers: dict[str, str]) -> None:
    done = [step for step in STEPS if answers.get(step) == "ok"]
    open_question = next((step for step in STEPS if step not in answers), None)
    possible = [await after(done)]
    if open_question:
        possible.append(await after([*done, open_question]))
    store = open_store(folder)
    assert await store.check() == []
    found = await seen_by_all(store)
    assert found in possible
    large = {data for bodies in found.values() for data in bodies or () if len(data) > 1000}
    assert files_of(store) == len(large)
    await store.close()


def files_of(store: EmbeddedStore) -> int:
    return sum(1 for _ in store.all_shards[0].bodies.numbers())


async def test_all_is_done_when_nothing_fails(actors: Actors, before: Path) -> None:
    restored(before, actors.store)
    ended = actors.run(*STEPS)
    assert set(ended.answers.values()) == {"ok"}, ended.answers
    await assert_sound(actors.store, ended.answers)


@pytest.mark.parametrize("call", CALLS)
async def test_kill_between_any_two_writes(
    call: str, strace: str, actors: Actors, before: Path
) -> None:
    await killed_at_each(call, 1, strace, actors, before)


async def test_kill_before_some_writes_of_the_index(
    strace: str, actors: Actors, before: Path
) -> None:
    await killed_at_each("pwrite64", SPARSE, strace, actors, before)


@pytest.mark.long
async def test_kill_before_every_write_of_the_index(
    strace: str, actors: Actors, before: Path
) -> None:
    await killed_at_each("pwrite64", 1, strace, actors, before)


async def killed_at_each(call: str, stride: int, strace: str, actors: Actors, before: Path) -> None:
    for number in count(1, stride):
        restored(before, actors.store)
        inject = ("-e", f"inject={call}:signal=KILL:when={number}")
        ended = actors.run_traced(strace, WRITER, inject, *STEPS)
        await assert_sound(actors.store, ended.answers)
        if ended.status == 0:
            assert number > 1 or call in MAY_BE_ABSENT, f"the writer never calls {call}"
            return
        assert ended.status == -9


@pytest.mark.parametrize("call", ["fdatasync", LINK, UNLINK])
async def test_any_call_may_fail(call: str, strace: str, actors: Actors, before: Path) -> None:
    await failed_at_each(call, 1, strace, actors, before)


async def test_some_writes_of_the_index_may_fail(strace: str, actors: Actors, before: Path) -> None:
    await failed_at_each("pwrite64", 2 * SPARSE, strace, actors, before)


@pytest.mark.long
async def test_every_write_of_the_index_may_fail(strace: str, actors: Actors, before: Path) -> None:
    await failed_at_each("pwrite64", 1, strace, actors, before)


async def failed_at_each(call: str, stride: int, strace: str, actors: Actors, before: Path) -> None:
    """One step is refused, or has got over it; the steps that build on it are refused then."""
    for number, error in zip(count(1, stride), cycle(["ENOSPC", "EIO"])):
        restored(before, actors.store)
        inject = ("-e", f"inject={call}:error={error}:when={number}")
        ended = actors.run_traced(strace, WRITER, inject, *STEPS)
        assert ended.status == 0, ended
        refused = [answer for answer in ended.answers.values() if answer != "ok"]
        assert not refused or "temporary" in refused[0], refused
        await assert_sound(actors.store, ended.answers)
        if not ended.injected:
            assert not refused
            return
