"""``kill -9`` between any two writes; the order of syncs; and a disk that refuses any write.

strace kills the process before the N-th call of each system call that changes a file, in each
of its threads, for every N until the process gets through. After each kill the store is opened again: what was
acknowledged is there exactly once, what was not is there whole or not at all, and check
finds nothing (the sweep at start has taken care of it).
"""

from __future__ import annotations

import re
import shutil
from contextlib import closing
from itertools import count, cycle
from pathlib import Path

import pytest

from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, open_store
from pillarbox.store.embedded.bodies import BodyFiles
from pillarbox.store.embedded.schema import connect
from pillarbox.store.embedded.transaction import last_body
from pillarbox.testing.store_contract import contents

from .actor import SHARDS, letter
from .conftest import Actors

SMALL, LARGE = 5, 20_000
"""Lines of the two letters: one goes into the index, one into a file."""
# alice and bob lie in different shards, and so do alice and dave.
USERS = ("alice", "bob", "dave")
STEPS = (
    f"deliver:new-small:{SMALL}:alice,bob",
    f"deliver:new-large:{LARGE}:alice,dave",
    "open:alice",
    "commit:alice:1,2",
    "release:alice",
)
MAIN, STAGING = "MainThread", "pillarbox-store_0"
WRITERS = tuple(f"pillarbox-shard-{number:02d}" for number in range(SHARDS))
MKDIR = "?mkdir,mkdirat"
LINK = "?link,linkat"
UNLINK = "?unlink,unlinkat"
RMDIR = "?rmdir"
POINTS = (
    *((writer, call) for writer in WRITERS for call in ("fdatasync", "fsync", LINK, UNLINK, MKDIR)),
    *((STAGING, call) for call in ("?open,openat", "write", "fsync")),
    *((MAIN, call) for call in ("write", UNLINK)),
)
"""Threads and the calls (strace's names; "?": it need not exist) by which they change files."""
MAY_BE_ABSENT = (MKDIR, UNLINK)
"""A folder may be there already; of two writers one removes the staged file."""
ANSWER = re.compile("(ok|temporary .*)(,(ok|temporary .*))?")
SPARSE = 7
"""The plain run tries every so-manieth write into the index, and every one of the others."""


def sizes(*marks: str) -> list[bytes]:
    return [letter(mark, LARGE if "large" in mark else SMALL).data for mark in marks]


@pytest.fixture
async def before(tmp_path: Path) -> Path:
    """A store in which alice has two old letters."""
    folder = tmp_path / "before"
    store = open_store(folder, shards=SHARDS)
    for mark, size in (("old-small", SMALL), ("old-large", LARGE)):
        assert await store.deliver(letter(mark, size), [Recipient("alice")]) == [None]
    await store.close()
    return folder


async def bodies_of(store: EmbeddedStore, user: str) -> list[bytes]:
    maildrop = await store.open(Identity(user))
    found = await contents(maildrop)
    await maildrop.release()
    return found


async def assert_sound(folder: Path, answers: dict[str, str]) -> None:
    """The invariants, after the process that got *answers* has ended somehow."""
    store = open_store(folder)
    assert await store.check() == []
    assert list((folder / "staging").iterdir()) == []
    small, large, _, commit, _ = (answers.get(step) for step in STEPS)
    found = {user: await bodies_of(store, user) for user in USERS}
    old = sizes("old-small", "old-large")
    kept = [body for body in found["alice"] if body in old]
    assert kept in ([], old)
    if commit == "ok":
        assert kept == []
    if commit is None and large is None:
        assert kept == old
    for answer, mark, users in (
        (small, "new-small", "alice bob"),
        (large, "new-large", "alice dave"),
    ):
        (body,) = sizes(mark)
        for place, user in enumerate(users.split()):
            outcome = answer.split(",")[place] if answer else ""
            copies = found[user].count(body)
            assert copies == 1 if outcome == "ok" else copies in {0, 1}
            if outcome.startswith("temporary"):
                assert copies == 0
    expected = set(old + sizes("new-small", "new-large", "last-small"))
    assert all(body in expected for bodies in found.values() for body in bodies)
    await store.close()


def restored(before: Path, store: Path) -> None:
    shutil.rmtree(store, ignore_errors=True)
    shutil.copytree(before, store)


@pytest.mark.parametrize(("thread", "call"), POINTS)
async def test_kill_between_any_two_writes(
    thread: str, call: str, strace: str, actors: Actors, before: Path
) -> None:
    await killed_at_each(thread, call, 1, strace, actors, before)


@pytest.mark.parametrize("writer", WRITERS)
async def test_kill_before_some_writes_of_the_index(
    writer: str, strace: str, actors: Actors, before: Path
) -> None:
    await killed_at_each(writer, "pwrite64", SPARSE, strace, actors, before)


@pytest.mark.long
@pytest.mark.parametrize("thread", [*WRITERS, MAIN])
async def test_kill_before_every_write_of_the_index(
    thread: str, strace: str, actors: Actors, before: Path
) -> None:
    await killed_at_each(thread, "pwrite64", 1, strace, actors, before)


async def killed_at_each(
    thread: str, call: str, stride: int, strace: str, actors: Actors, before: Path
) -> None:
    for number in count(1, stride):
        restored(before, actors.store)
        inject = ("-e", f"inject={call}:signal=KILL:when={number}")
        ended = actors.run_traced(strace, thread, inject, *STEPS)
        await assert_sound(actors.store, ended.answers)
        if ended.status == 0:
            assert number > 1 or call in MAY_BE_ABSENT, f"{thread} never calls {call}"
            return
        assert ended.status == -9


@pytest.mark.parametrize(("thread", "call"), [point for point in POINTS if point[0] != MAIN])
async def test_any_call_may_fail(
    thread: str, call: str, strace: str, actors: Actors, before: Path
) -> None:
    await failed_at_each(thread, call, 1, strace, actors, before)


@pytest.mark.parametrize("writer", WRITERS)
async def test_some_writes_of_the_index_may_fail(
    writer: str, strace: str, actors: Actors, before: Path
) -> None:
    await failed_at_each(writer, "pwrite64", 2 * SPARSE, strace, actors, before)


@pytest.mark.long
@pytest.mark.parametrize("writer", WRITERS)
async def test_every_write_of_the_index_may_fail(
    writer: str, strace: str, actors: Actors, before: Path
) -> None:
    await failed_at_each(writer, "pwrite64", 1, strace, actors, before)


async def failed_at_each(
    thread: str, call: str, stride: int, strace: str, actors: Actors, before: Path
) -> None:
    """The N-th *call* fails: the step is refused as temporary, or has got over it; and the
    process goes on to deliver.
    """
    last = f"deliver:last-small:{SMALL}:bob,dave"
    for number, error in zip(count(1, stride), cycle(["ENOSPC", "EIO"])):
        restored(before, actors.store)
        inject = ("-e", f"inject={call}:error={error}:when={number}")
        ended = actors.run_traced(strace, thread, inject, *STEPS, last)
        assert ended.status == 0, ended
        answers = {step: ended.answers[step] for step in (*STEPS, last)}
        assert all(map(ANSWER.fullmatch, answers.values())), answers
        assert sum("temporary" in answer for answer in answers.values()) <= 1, answers
        await assert_sound(actors.store, ended.answers)
        if not ended.injected:
            return


@pytest.mark.parametrize("call", ["write", "fsync", LINK, MKDIR])
async def test_kill_while_a_store_is_made(call: str, strace: str, actors: Actors) -> None:
    await killed_at_each_while_made(call, 1, strace, actors)


@pytest.mark.parametrize(("call", "stride"), [("pwrite64", 61), ("?open,openat", 7)])
async def test_kill_at_some_points_while_a_store_is_made(
    call: str, stride: int, strace: str, actors: Actors
) -> None:
    await killed_at_each_while_made(call, stride, strace, actors)


@pytest.mark.long
@pytest.mark.parametrize("call", ["pwrite64", "?open,openat"])
async def test_kill_at_every_point_while_a_store_is_made(
    call: str, strace: str, actors: Actors
) -> None:
    await killed_at_each_while_made(call, 1, strace, actors)


async def killed_at_each_while_made(call: str, stride: int, strace: str, actors: Actors) -> None:
    step = f"deliver:new-small:{SMALL}:alice"
    for number in count(1, stride):
        shutil.rmtree(actors.store, ignore_errors=True)
        inject = ("-e", f"inject={call}:signal=KILL:when={number}")
        ended = actors.run_traced_from_the_start(strace, inject, step)
        store = open_store(actors.store, shards=SHARDS)
        assert await store.check() == []
        assert len(await bodies_of(store, "alice")) >= len(ended.answers)
        await store.close()
        if ended.status == 0:
            assert ended.answers == {step: "ok"}
            return


@pytest.mark.parametrize(
    ("call", "stride"),
    [
        (UNLINK, 3),
        (RMDIR, 1),
        ("fdatasync", 2),
        ("pwrite64", 11),
        pytest.param(UNLINK, 1, marks=pytest.mark.long),
        pytest.param("pwrite64", 1, marks=pytest.mark.long),
    ],
)
async def test_kill_while_sweeping(
    call: str, stride: int, strace: str, actors: Actors, before: Path
) -> None:
    """What one crash left behind, and a second one while it is cleared away."""
    for number in count(1, stride):
        restored(before, actors.store)
        leave_behind(actors.store)
        inject = ("-e", f"inject={call}:signal=KILL:when={number}")
        ended = actors.run_traced_from_the_start(strace, inject)
        await assert_sound(actors.store, ended.answers)
        if ended.status == 0:
            assert number > 1 or call == RMDIR, f"the sweep never calls {call}"
            return


def leave_behind(folder: Path) -> None:
    """A staged file, a link to it that was not committed, and a file of a deleted body."""
    staged = folder / "staging" / "1-0123456789abcdef"
    staged.write_bytes(b"x")
    for shard in range(SHARDS):
        bodies = BodyFiles(folder / f"shard-{shard:02d}")
        with closing(connect(folder / f"shard-{shard:02d}" / "index.db")) as sql:
            last = last_body(sql)
            sql.execute("INSERT INTO doomed (id) VALUES (?), (?)", (last + 1, last + 2))
        bodies.path(last + 1).parent.mkdir(exist_ok=True)
        bodies.path(last + 1).write_bytes(b"x")
        bodies.path(last + 3).hardlink_to(staged)
