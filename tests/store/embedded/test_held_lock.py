"""The writer lock of a shard is held by somebody else, for longer than anybody should wait."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from structlog.testing import capture_logs
from tests.fetch.descriptors import open_below

from pillarbox.contracts.errors import OpenedTooSoon, StoreError, StoreUnavailable
from pillarbox.model import Identity, Recipient, StoredForm
from pillarbox.store.embedded import EmbeddedStore, backlog, open_store, turns
from pillarbox.store.embedded.bodies import BodyFiles
from pillarbox.store.embedded.jobs import NoteOpening, Probe
from pillarbox.store.embedded.schema import connect
from pillarbox.store.embedded.transaction import Job, Transaction, last_body, retire
from pillarbox.store.embedded.turns import turn
from pillarbox.store.embedded.writer import Writer
from pillarbox.testing.store_contract import seen_next

from .actor import SHARDS, letter
from .conftest import Actors, heard

# alice lies in shard 1, bob in shard 0
ALICE = Identity("alice")
FIRST, SMALL, LARGE = letter("first", 3), letter("small", 5), letter("large", 20_000)
LEAVINGS = b"left behind"


@contextlib.contextmanager
def seized(lock: Path) -> Iterator[None]:
    """Somebody holds the lock file: here or elsewhere makes no difference to flock."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no more patience is told at once, not at the next second."""
    monkeypatch.setattr(backlog, "LOOK_SECONDS", 0.01)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    """alice has one letter."""
    store = open_store(tmp_path / "store", shards=SHARDS)
    assert await store.deliver(FIRST, [Recipient("alice")]) == [None]
    yield store
    await store.close()


async def note_alice(store: EmbeddedStore) -> None:
    """It is known that she has been here: her next sign-in writes nothing."""
    assert await seen_next(store, "alice") == [FIRST.data]
    await store.probe()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """The writer lock of alice's shard."""
    return tmp_path / "store" / "shard-01" / "writer.lock"


def hurry(patch: pytest.MonkeyPatch, *stores: EmbeddedStore) -> None:
    """From now on nobody waits: what the lock holds up is given up at once."""
    patch.setattr(turns, "NOTICE_SECONDS", 0)
    patch.setattr(turns, "TURN_SECONDS", 0)
    for store in stores:
        for shard in store.all_shards:
            shard.writer.backlog.patience = 0


def be_patient(*stores: EmbeddedStore) -> None:
    for store in stores:
        for shard in store.all_shards:
            shard.writer.backlog.patience = backlog.PATIENCE_SECONDS


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what a thread does is announced by no event
        await asyncio.sleep(0)


async def kept_waiting(writer: Writer) -> None:
    """The writer's thread stands in line now."""
    writer.submit(Probe())
    await until(lambda: writer._turns._waiting_since is not None)


async def put_off(store: EmbeddedStore, message: StoredForm, user: str) -> StoreError:
    """What a delivery is answered that the lock holds up."""
    (outcome,) = await store.deliver(message, [Recipient(user)])
    assert isinstance(outcome, StoreUnavailable)
    assert outcome.temporary
    return outcome


@pytest.mark.parametrize("message", [SMALL, LARGE], ids=["small", "large"])
async def test_a_delivery_that_was_put_off_is_never_stored(
    store: EmbeddedStore, lock: Path, message: StoredForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender tries again: it would be there twice."""
    hurry(monkeypatch, store)
    with seized(lock):
        for _ in range(3):
            await put_off(store, message, "alice")
    be_patient(store)
    assert await store.deliver(message, [Recipient("alice")]) == [None]
    assert await seen_next(store, "alice") == [FIRST.data, message.data]
    staging = lock.parent.parent / "staging"
    await until(lambda: not list(staging.iterdir()))  # by the writer, after its answer
    assert await store.check() == []


async def test_other_shards_go_on(
    store: EmbeddedStore, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.all_shards[1].writer.backlog.patience = 0
    with seized(lock):
        for message in (SMALL, LARGE):
            both = [Recipient("alice"), Recipient("bob")]
            refused, stored = await store.deliver(message, both)
            assert isinstance(refused, StoreUnavailable)
            assert stored is None
    be_patient(store)
    assert await seen_next(store, "bob") == [SMALL.data, LARGE.data]
    assert await seen_next(store, "alice") == [FIRST.data]


async def test_a_deletion_that_was_refused_deletes_nothing_afterwards(
    store: EmbeddedStore, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maildrop = await store.open(ALICE)
    with seized(lock):
        await kept_waiting(store.all_shards[1].writer)
        hurry(monkeypatch, store)
        with pytest.raises(StoreUnavailable, match=r"shard-01/writer\.lock is locked") as caught:
            await maildrop.commit([1])
        assert caught.value.temporary
        await maildrop.release()
    be_patient(store)
    assert await store.deliver(SMALL, [Recipient("alice")]) == [None]
    assert await seen_next(store, "alice") == [FIRST.data, SMALL.data]


async def test_reading_needs_no_writer(store: EmbeddedStore, lock: Path) -> None:
    with seized(lock):
        assert await seen_next(store, "alice") == [FIRST.data]
        assert [info.number for info in await store.listing("alice")] == [1]


async def test_a_first_sign_in_leaves_the_maildrop_unlocked(
    store: EmbeddedStore, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A maildrop has to be made for her, or the time noted: neither can be written."""
    hurry(monkeypatch, store)
    with seized(lock):
        with pytest.raises(StoreUnavailable):
            await store.open(ALICE, minimum_interval=1)
        with pytest.raises(StoreUnavailable):
            await store.open(Identity("frank"))
    be_patient(store)
    await store.open(ALICE, minimum_interval=1)
    await store.open(Identity("frank"))


@pytest.mark.parametrize("begun", [False, True], ids=["waiting", "begun"])
async def test_a_sign_in_that_was_broken_off_does_not_count_for_the_next(
    store: EmbeddedStore, lock: Path, begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LOGIN-DELAY (RFC 2449, section 6.5) is about logins: this one has never been answered."""
    written, may_end = threading.Event(), threading.Event()
    run = NoteOpening.run

    def slow(job: NoteOpening, transaction: Transaction) -> None:
        run(job, transaction)
        written.set()
        may_end.wait()

    monkeypatch.setattr(NoteOpening, "run", slow)
    with contextlib.nullcontext() if begun else seized(lock):
        opening = asyncio.create_task(store.open(ALICE, minimum_interval=3600))
        await until(written.is_set if begun else lambda: bool(store.all_shards[1].writer.backlog))
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    may_end.set()
    await store.all_shards[1].write(Probe())
    await (await store.open(ALICE, minimum_interval=3600)).release()
    with pytest.raises(OpenedTooSoon):
        await store.open(ALICE, minimum_interval=3600)


async def test_who_signs_in_at_once_after_a_sign_in_that_was_broken_off_is_let_in(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its note is on the disk already, and is still to be taken back."""
    noted, may_answer = threading.Event(), threading.Event()

    def slow(jobs: list[Job[object]], outcomes: Sequence[object]) -> None:
        noted.set()
        may_answer.wait()
        backlog.answer(jobs, outcomes)

    await (await store.open(ALICE)).release()  # the first of all is noted by itself
    monkeypatch.setattr("pillarbox.store.embedded.writer.answer", slow)
    opening = asyncio.create_task(store.open(ALICE, minimum_interval=3600))
    await until(noted.is_set)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    again = asyncio.create_task(store.open(ALICE, minimum_interval=3600))
    given_up = asyncio.create_task(store.open(ALICE))
    await asyncio.sleep(0)
    given_up.cancel()
    may_answer.set()
    await (await again).release()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    await (await store.open(ALICE)).release()


async def test_a_store_closes_while_a_sign_in_that_was_broken_off_is_taken_back(
    store: EmbeddedStore, lock: Path
) -> None:
    with seized(lock):
        opening = asyncio.create_task(store.open(ALICE, minimum_interval=3600))
        await until(lambda: bool(store.all_shards[1].writer.backlog))
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    await store.close()
    again = open_store(lock.parent.parent)
    await (await again.open(ALICE, minimum_interval=3600)).release()
    await again.close()


class Marked(Job[str]):
    """A job that tells that it has begun, and waits until it may end."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def run(self, transaction: Transaction) -> str:
        self.begun.set()
        self.may_end.wait()
        return "done"


async def test_what_has_begun_is_never_given_up(store: EmbeddedStore) -> None:
    """Nobody knows what will become of it; but what waits behind it can be put off."""
    writer = store.all_shards[1].writer
    first, behind = Marked(), Marked()
    slow = writer.submit(first)
    await until(first.begun.is_set)
    writer.backlog.patience = 0
    refused = await writer.submit(behind)
    assert isinstance(refused, StoreUnavailable)
    assert refused.temporary
    assert "takes too long" in str(refused)
    assert str(store.all_shards[1].index) in str(refused)
    assert not slow.done()
    first.may_end.set()
    assert await slow == "done"
    be_patient(store)
    await store.all_shards[1].write(Probe())
    assert not behind.begun.is_set()


async def test_what_has_not_waited_too_long_goes_along_when_the_lock_comes(
    store: EmbeddedStore, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = store.all_shards[1].writer
    monkeypatch.setattr(backlog, "LOOK_SECONDS", 0)
    with seized(lock):
        old, young = Probe(), Probe()
        answers = [writer.submit(old), writer.submit(young)]
        old.since -= backlog.PATIENCE_SECONDS
        assert isinstance(await answers[0], StoreUnavailable)
        assert not answers[1].done()
    assert await answers[1] is None


async def test_the_holder_is_named_and_told_of_once(
    store: EmbeddedStore, lock: Path, actors: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = actors.start(f"seize:{lock}", "wait")
    assert heard(actor) == f"seize:{lock} ok"
    os.kill(actor.pid, signal.SIGSTOP)
    await asyncio.to_thread(os.waitid, os.P_PID, actor.pid, os.WSTOPPED)
    writer = store.all_shards[1].writer
    monkeypatch.setattr(turns, "NOTICE_SECONDS", 0)
    monkeypatch.setattr(backlog, "LOOK_SECONDS", 0)
    with capture_logs() as logs:
        waiting = writer.submit(Probe())
        await until(lambda: bool(logs))
        hurry(monkeypatch, store)
        refused: list[object] = [await waiting]
        for _ in range(3):
            outcome = await writer.submit(Probe())
            refused.append(outcome)
        actor.kill()
        be_patient(store)
        await store.all_shards[1].write(Probe())
    whom = f"process {actor.pid} (python"
    for why in map(str, refused):
        assert f"{lock} is locked by {whom}" in why
        assert "stopped)" in why
        assert "kill -CONT" in why
    wait, end = logs
    assert (wait["log_level"], wait["file"]) == ("warning", str(lock))
    assert wait["holder"].startswith(whom)
    assert "kill -CONT" in wait["remedy"]
    assert "goes on" in end["event"]


async def test_a_held_lock_does_not_keep_a_store_from_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path / "store", shards=SHARDS)
    assert await store.deliver(FIRST, [Recipient("alice")]) == [None]
    lock = tmp_path / "store" / "shard-01" / "writer.lock"
    hurry(monkeypatch)
    writer = store.all_shards[1].writer
    job = Marked()
    with seized(lock):
        await kept_waiting(writer)
        waiting = writer.submit(job)
        writer.backlog.patience = 0
        await store.close()
        assert isinstance(await waiting, StoreUnavailable)
        left = thread_of(writer)
    left.join()  # what was left behind ends by itself
    assert not job.begun.is_set()


def thread_of(writer: Writer) -> threading.Thread:
    assert writer._thread is not None
    return writer._thread


async def test_the_end_does_not_wait_for_a_note_of_who_was_here(
    store: EmbeddedStore, lock: Path
) -> None:
    assert await store.deliver(FIRST, [Recipient("dora")]) == [None]
    writer = store._shard("dora").writer
    assert writer is store._shard("alice").writer
    writer.backlog.patience = 3600
    with seized(lock):
        assert await seen_next(store, "dora") == [FIRST.data]
        await store.close()


async def test_a_store_with_nothing_to_mend_opens_beside_a_held_lock(
    store: EmbeddedStore, lock: Path
) -> None:
    await note_alice(store)
    with seized(lock), capture_logs() as logs:
        second = open_store(lock.parent.parent)
        assert await seen_next(second, "alice") == [FIRST.data]
        await second.close()
    assert logs == []


def test_a_start_that_needs_the_lock_waits_and_then_says_for_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration: nobody can work with an index that is not up to date."""
    folder = tmp_path / "store"
    (folder / "shard-00").mkdir(parents=True)
    lock = folder / "shard-00" / "writer.lock"
    hurry(monkeypatch)
    with seized(lock), capture_logs() as logs:
        with pytest.raises(
            StoreUnavailable, match=r"writer\.lock is locked by .*let that"
        ) as caught:
            open_store(folder, shards=1)
        assert caught.value.temporary
        assert [(line["log_level"], line["file"]) for line in logs] == [("warning", str(lock))]
    monkeypatch.undo()
    open_store(folder, shards=1)


async def test_a_held_lock_puts_the_sweep_of_its_shard_off_and_nothing_else(
    store: EmbeddedStore, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other shard is swept, the store opens, and a dead delivery keeps its proof."""
    await note_alice(store)
    assert await store.deliver(LARGE, [Recipient("alice"), Recipient("bob")]) == [None, None]
    await store.close()
    left = leave_behind(lock.parent.parent)
    monkeypatch.setattr(turns, "NOTICE_SECONDS", 0)
    with seized(lock), capture_logs() as logs:
        store = open_store(lock.parent.parent)
        assert await seen_next(store, "alice") == [FIRST.data, LARGE.data]
        assert await store.deliver(SMALL, [Recipient("bob")]) == [None]
        assert await seen_next(store, "bob") == [LARGE.data, SMALL.data]
        await store.close()
    assert {path for path in left.all if path.exists()} == {left.staged, *left.in_shard[1]}
    (warning,) = [line for line in logs if line["log_level"] == "warning"]
    assert "put off" in warning["event"]
    assert "maildrop check --repair" in warning["event"]
    assert f"{lock} is locked by process {os.getpid()}" in warning["error"]


@pytest.mark.parametrize("by", ["start", "repair"])
@pytest.mark.parametrize("meanwhile", [None, SMALL, LARGE], ids=["nothing", "small", "large"])
async def test_what_was_put_off_is_swept_later(
    store: EmbeddedStore,
    lock: Path,
    meanwhile: StoredForm | None,
    by: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when new mail has come meanwhile, to which the index has given the same numbers."""
    folder = lock.parent.parent
    assert await store.deliver(LARGE, [Recipient("alice")]) == [None]
    await store.close()
    left = leave_behind(folder)
    with monkeypatch.context() as patch, seized(lock):
        patch.setattr(turns, "NOTICE_SECONDS", 0)
        store = open_store(folder)
    mail = [FIRST.data, LARGE.data]
    if meanwhile is not None:
        assert await store.deliver(meanwhile, [Recipient("alice")]) == [None]
        mail.append(meanwhile.data)
    if by == "repair":
        await store.check(repair=True)
    else:
        await store.close()
        store = open_store(folder)
    assert not left.staged.exists()
    assert not any(map(holds_leavings, left.in_shard[1]))
    assert await store.check() == []
    assert await seen_next(store, "alice") == mail
    await store.close()


class Left(NamedTuple):
    staged: Path
    in_shard: list[set[Path]]

    @property
    def all(self) -> set[Path]:
        return {self.staged}.union(*self.in_shard)


def leave_behind(folder: Path) -> Left:
    """A staged file with links that were not committed, and files of deleted bodies."""
    staged = folder / "staging" / "1-0123456789abcdef"
    staged.write_bytes(LEAVINGS)
    left = Left(staged, [])
    for number in range(SHARDS):
        bodies = BodyFiles(folder / f"shard-{number:02d}")
        with contextlib.closing(connect(bodies.shard / "index.db")) as sql:
            last = last_body(sql)
            retire(sql, last + 1)
            sql.execute("INSERT INTO doomed (id) VALUES (?)", (last + 1,))
        bodies.path(last + 1).parent.mkdir(exist_ok=True)
        bodies.path(last + 1).write_bytes(LEAVINGS)
        bodies.path(last + 2).hardlink_to(staged)
        left.in_shard.append({bodies.path(last + 1), bodies.path(last + 2)})
    return left


def holds_leavings(path: Path) -> bool:
    return path.exists() and path.read_bytes() == LEAVINGS


def test_who_waits_in_line_gets_the_lock_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "writer.lock"
    got = threading.Event()

    def wait_in_line() -> None:
        with turn(lock):
            got.set()

    waiter = threading.Thread(target=wait_in_line)
    monkeypatch.setattr(turns, "NOTICE_SECONDS", 0)
    with seized(lock), capture_logs() as logs:
        waiter.start()
        while not logs:
            os.sched_yield()
        assert not got.is_set()
    waiter.join()
    assert got.is_set()


def test_who_gave_up_waiting_keeps_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "writer.lock"
    monkeypatch.setattr(turns, "NOTICE_SECONDS", 0)
    before = set(threading.enumerate())  # of which some may be just ending
    with monkeypatch.context() as patch, seized(lock):
        patch.setattr(turns, "TURN_SECONDS", 0)
        for _ in range(3):
            with pytest.raises(StoreUnavailable), turn(lock):
                pytest.fail("nobody let go of it")
        waiting = set(threading.enumerate()) - before
        assert len(waiting) == 3
    with turn(lock):
        pass
    for thread in waiting:
        thread.join()


def test_who_finds_no_thread_to_wait_in_keeps_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit of tasks (systemd's TasksMax, say) has been reached."""
    lock = tmp_path / "writer.lock"

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with seized(lock):
        before = open_below(tmp_path)
        with pytest.raises(StoreUnavailable, match=r"writer\.lock.*TasksMax") as caught, turn(lock):
            pytest.fail("nobody let go of it")
        assert open_below(tmp_path) == before
    assert caught.value.temporary


async def test_a_repair_that_meets_a_held_lock_tells_what_it_has_mended(
    store: EmbeddedStore, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not found again, and the operator has to know where the remains are."""
    assert await store.deliver(SMALL, [Recipient("bob")]) == [None]
    with contextlib.closing(connect(store.all_shards[0].index)) as sql:
        sql.execute("UPDATE views SET octets = octets + 1")
    hurry(monkeypatch)
    with seized(lock):
        mended, held = await store.check(repair=True)
        with pytest.raises(StoreUnavailable):
            await store.check("alice", repair=True)
    assert (mended.user, mended.repaired) == ("bob", True)
    assert not held.repaired
    assert f"{lock} is locked by process {os.getpid()}" in held.problem
    assert await store.check() == []


async def test_jobs_that_do_not_wait_cost_one_timer(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    timers: list[float] = []
    call_later = loop.call_later

    def counted(delay: float, *rest: object) -> asyncio.TimerHandle:
        timers.append(delay)
        return call_later(3600, *rest)  # type: ignore[arg-type] # it never comes

    await store.all_shards[1].write(Probe())  # its timer may be there already
    monkeypatch.setattr(loop, "call_later", counted)
    for _ in range(100):
        await store.all_shards[0].write(Probe())
    assert timers == [backlog.LOOK_SECONDS]


async def test_sqlites_own_lock_does_not_cost_each_job_its_wait(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody works on the index with sqlite3: all that wait hear of it after one wait."""
    shard = store.all_shards[1]
    begun = 0
    transact = Writer._transact

    def counted(writer: Writer, jobs: list[Job[None]]) -> list[None]:
        nonlocal begun
        begun += 1
        return transact(writer, jobs)

    monkeypatch.setattr(Writer, "_transact", counted)
    await shard.write(Probe())
    assert shard.writer._sql is not None
    shard.writer._sql.execute("PRAGMA busy_timeout = 0")
    begun = 0
    with contextlib.closing(connect(shard.index)) as other:
        other.execute("BEGIN IMMEDIATE")
        with seized(shard.turns):  # so that they come together
            answers = [shard.writer.submit(Probe()) for _ in range(20)]
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*answers)
    assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    assert begun == 1
