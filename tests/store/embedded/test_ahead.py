"""Bodies that are read before they are asked for: which, how many, and for how long."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import closing
from math import inf
from pathlib import Path

import pytest

from pillarbox.contracts.errors import BodyDamaged, StoreUnavailable
from pillarbox.model import Identity, Recipient, StoredForm
from pillarbox.store import ahead
from pillarbox.store.ahead import (
    STALE_SECONDS,
    WINDOW_MESSAGES,
    WINDOW_OCTETS,
    ReadAhead,
    window,
)
from pillarbox.store.embedded import EmbeddedStore, open_store, shards
from pillarbox.store.embedded import maildrop as embedded_maildrop
from pillarbox.store.embedded.maildrop import EmbeddedMaildrop
from pillarbox.store.embedded.shards import BodyRow

from .actor import letter

ALICE = Identity("alice")
PHONE = Identity("alice", "phone")
COUNT = 100
INLINE = 20_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    store = open_store(tmp_path / "store", shards=1, inline_bytes=INLINE)
    yield store
    await store.close()


async def put(store: EmbeddedStore, *messages: StoredForm) -> None:
    for message in messages:
        assert await store.deliver(message, [Recipient("alice")]) == [None]


def letters(count: int, lines: int = 1000) -> list[StoredForm]:
    return [letter(f"{number:04}", lines) for number in range(1, count + 1)]


@pytest.fixture(autouse=True)
def quick_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, no session counts as one that has stopped."""
    monkeypatch.setattr(embedded_maildrop, "STALE_SECONDS", inf)
    monkeypatch.setattr(shards, "STALE_SECONDS", 3600)


def waiting(store: EmbeddedStore) -> int:
    """Octets that wait to be asked for."""
    (shard,) = store.all_shards
    return shard.ahead.octets


def index_of(store: EmbeddedStore) -> sqlite3.Connection:
    (shard,) = store.all_shards
    return sqlite3.connect(shard.index, isolation_level=None)


class Queries(list[str]):
    """The queries that a store makes from now on."""

    def __init__(self, store: EmbeddedStore) -> None:
        (shard,) = store.all_shards
        shard.hold()
        assert shard._cursor
        shard._cursor.connection.set_trace_callback(self.append)


async def read(maildrop: EmbeddedMaildrop, *numbers: int) -> list[bytes]:
    contents = []
    for number in numbers:
        content = (await maildrop.body(number)).content
        contents.append(
            content if isinstance(content, bytes) else b"".join([p async for p in content])
        )
    return contents


# What is read together.


def rows(*sizes: int | None) -> Iterator[BodyRow]:
    """Rows of bodies of so many octets (None: a file)."""
    for seq, size in enumerate(sizes, 1):
        yield (seq, size or 0, seq, size, 0, None if size is None else bytes(size))


def test_small_bodies_are_counted() -> None:
    left = rows(*[1] * (WINDOW_MESSAGES + 5))
    assert len(window(left)) == WINDOW_MESSAGES
    assert len(list(left)) == 5


def test_large_bodies_are_weighed() -> None:
    half = WINDOW_OCTETS // 2
    left = rows(half, half - 1, 1, 1, 1)
    assert [row[0] for row in window(left)] == [1, 2, 3]
    assert len(list(left)) == 2


def test_a_file_ends_it() -> None:
    assert [row[0] for row in window(rows(10, None, 10))] == [1, 2]


# Where it waits.


def test_what_was_asked_for_waits_no_longer() -> None:
    ahead: ReadAhead[BodyRow] = ReadAhead()
    ahead.keep("a", list(rows(10, 20)), now=0)
    assert ahead.octets == 30
    assert ahead.take("b", 1, now=0) is None
    assert (ahead.take("a", 1, now=0) or [None])[0] == 1
    assert (ahead.take("a", 2, now=0) or [None])[0] == 2
    assert ahead.take("a", 2, now=0) is None
    assert ahead.octets == 0


def test_who_asks_for_something_else_has_turned_away() -> None:
    ahead: ReadAhead[BodyRow] = ReadAhead()
    ahead.keep("a", list(rows(10, 20)), now=0)
    assert ahead.take("a", 5, now=0) is None
    assert ahead.octets == 0
    assert ahead.take("a", 1, now=0) is None


def test_files_do_not_wait() -> None:
    ahead: ReadAhead[BodyRow] = ReadAhead()
    ahead.keep("a", list(rows(None)), now=0)
    assert ahead.take("a", 1, now=0) is None


def test_the_place_is_bounded() -> None:
    ahead: ReadAhead[BodyRow] = ReadAhead(limit=100)
    for number in range(10):
        if ahead.has_room(now=0):
            ahead.keep(number, list(rows(30)), now=0)
    assert ahead.octets == 120  # the one that filled it, and no more
    assert not ahead.has_room(now=0)
    assert ahead.take(0, 1, now=0)
    assert ahead.has_room(now=0)


def test_who_has_stopped_makes_room() -> None:
    ahead: ReadAhead[BodyRow] = ReadAhead(limit=100)
    ahead.keep("stopped", list(rows(60)), now=0)
    ahead.keep("goes on", list(rows(60)), now=STALE_SECONDS)
    assert not ahead.has_room(now=STALE_SECONDS / 2)
    assert ahead.has_room(now=STALE_SECONDS)
    assert ahead.take("stopped", 1, now=STALE_SECONDS) is None
    assert ahead.take("goes on", 1, now=STALE_SECONDS)


def test_what_waits_for_nobody_is_let_go() -> None:
    ahead: ReadAhead[BodyRow] = ReadAhead()
    ahead.keep("stopped", list(rows(60)), now=0)
    ahead.keep("goes on", list(rows(30)), now=1)
    assert ahead.let_stale_go(now=STALE_SECONDS)
    assert ahead.octets == 30
    assert not ahead.let_stale_go(now=STALE_SECONDS + 1)
    assert ahead.octets == 0


def test_who_asks_now_and_then_has_not_stopped() -> None:
    ahead: ReadAhead[BodyRow] = ReadAhead(limit=100)
    ahead.keep("slow", list(rows(20, 20, 20)), now=0)
    ahead.keep("stopped", list(rows(60)), now=STALE_SECONDS / 2)
    assert ahead.take("slow", 1, now=STALE_SECONDS)
    assert ahead.has_room(now=2 * STALE_SECONDS - 1)
    assert ahead.take("stopped", 1, now=2 * STALE_SECONDS - 1) is None
    assert ahead.take("slow", 2, now=2 * STALE_SECONDS - 1)
    assert ahead.octets == 60


# What sessions see of it.


async def test_a_session_that_says_nothing_holds_nothing(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(store, *letters(4))
    maildrop = await store.open(ALICE)
    monkeypatch.setattr(shards, "STALE_SECONDS", 0)
    monkeypatch.setattr(ahead, "STALE_SECONDS", 0)
    await maildrop.body(1)
    await maildrop.body(2)
    assert waiting(store)
    while waiting(store):  # noqa: ASYNC110 - there is no event of it
        await asyncio.sleep(0)
    assert await maildrop.body(3)  # read anew
    await maildrop.release()


@pytest.mark.parametrize("seconds", [0.3, 1.9, 2.1, 60])
async def test_a_slow_client_has_no_body_read_twice(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    sent = letters(COUNT, 10)
    await put(store, *sent)
    maildrop = await store.open(ALICE)
    (shard,) = store.all_shards
    now, handed_over = 0.0, 0

    def counted(rows: Iterable[BodyRow]) -> list[BodyRow]:
        nonlocal handed_over
        taken = window(rows)
        handed_over += len(taken)
        return taken

    monkeypatch.setattr(embedded_maildrop, "STALE_SECONDS", STALE_SECONDS)
    monkeypatch.setattr(embedded_maildrop, "monotonic", lambda: now)
    monkeypatch.setattr(embedded_maildrop, "window", counted)
    for number, message in enumerate(sent, 1):
        assert await read(maildrop, number) == [message.data]
        now += seconds
        shard.ahead.let_stale_go(now)
    assert handed_over <= COUNT
    await maildrop.release()


async def test_messages_one_after_the_other_take_few_queries(store: EmbeddedStore) -> None:
    sent = letters(COUNT)
    await put(store, *sent)
    maildrop = await store.open(ALICE)
    queries = Queries(store)
    assert await read(maildrop, *range(1, COUNT + 1)) == [each.data for each in sent]
    assert len(queries) < COUNT / 4
    assert waiting(store) == 0
    await maildrop.release()


async def test_no_more_waits_than_a_window_and_a_body(store: EmbeddedStore) -> None:
    await put(store, *letters(COUNT, INLINE // 10))
    maildrop = await store.open(ALICE)
    most = 0
    for number in range(1, COUNT + 1):
        await read(maildrop, number)
        most = max(most, waiting(store))
    assert 0 < most < WINDOW_OCTETS + INLINE
    await maildrop.release()


@pytest.mark.parametrize("numbers", [[1], [7], [1, 3, 5], [3, 2, 1], [2, 2, 2], [COUNT - 1, COUNT]])
async def test_who_does_not_go_through_them_has_nothing_read_ahead(
    store: EmbeddedStore, numbers: list[int]
) -> None:
    sent = letters(COUNT)
    await put(store, *sent)
    maildrop = await store.open(ALICE)
    assert await read(maildrop, *numbers) == [sent[number - 1].data for number in numbers]
    assert waiting(store) == 0
    await maildrop.release()


@pytest.mark.parametrize("end", ["release", "commit", "elsewhere"])
async def test_it_is_let_go(store: EmbeddedStore, end: str) -> None:
    sent = letters(COUNT)
    await put(store, *sent)
    maildrop = await store.open(ALICE)
    await read(maildrop, 1, 2)
    assert waiting(store)
    match end:
        case "release":
            await maildrop.release()
        case "commit":
            await maildrop.commit([1])
        case _:
            assert await read(maildrop, 50) == [sent[49].data]
    assert waiting(store) == 0
    await maildrop.release()


async def test_an_ended_session_reads_nothing_ahead(store: EmbeddedStore) -> None:
    await put(store, *letters(COUNT))
    maildrop = await store.open(ALICE)
    await maildrop.release()
    await read(maildrop, 1, 2, 3)
    assert waiting(store) == 0


async def test_what_is_delivered_meanwhile_is_not_among_them(store: EmbeddedStore) -> None:
    sent = letters(3)
    await put(store, *sent)
    maildrop = await store.open(ALICE)
    await read(maildrop, 1)
    await put(store, letter("late", 3))
    assert await read(maildrop, 2, 3) == [sent[1].data, sent[2].data]
    assert waiting(store) == 0
    with pytest.raises(IndexError):
        await maildrop.body(4)
    await maildrop.release()


async def test_each_number_stays_its_message_when_the_lock_is_taken_away(
    store: EmbeddedStore,
) -> None:
    """Whoever opens it then may delete: what has gone is an error or is still itself."""
    sent = letters(COUNT)
    await put(store, *sent)
    old = await store.open(ALICE)
    await read(old, 1, 2)
    assert await store.unlock("alice")
    new = await store.open(ALICE)
    await new.commit(range(1, COUNT, 2))
    await new.release()
    gone = 0
    for number in range(3, COUNT + 1):
        try:
            assert await read(old, number) == [sent[number - 1].data]
        except StoreUnavailable:
            gone += 1
            assert number % 2
    assert gone > COUNT / 4
    await old.release()


async def test_what_other_views_list_is_not_read(store: EmbeddedStore) -> None:
    sent = letters(COUNT)
    await put(store, *sent)
    await store.add_view("alice", "phone")
    phone = await store.open(PHONE)
    await phone.commit([n for n in range(1, COUNT + 1) if 10 < n < 90])
    await phone.release()
    left = [*sent[:10], *sent[89:]]
    phone = await store.open(PHONE)
    read_octets = 0
    for number, message in enumerate(left, 1):
        assert await read(phone, number) == [message.data]
        read_octets = max(read_octets, waiting(store))
    assert 0 < read_octets <= sum(len(message.data) for message in left)
    assert waiting(store) == 0
    await phone.release()


async def test_gaps_are_passed_over(store: EmbeddedStore) -> None:
    sent = letters(COUNT)
    await put(store, *sent)
    maildrop = await store.open(ALICE)
    await maildrop.commit([2, 3, 4, 50])
    await maildrop.release()
    left = [message.data for n, message in enumerate(sent, 1) if n not in {2, 3, 4, 50}]
    maildrop = await store.open(ALICE)
    queries = Queries(store)
    assert await read(maildrop, *range(1, len(left) + 1)) == left
    assert len(queries) < COUNT / 4
    await maildrop.release()


async def test_large_ones_among_small_ones(store: EmbeddedStore) -> None:
    sent = [letter(f"{n:04}", 9000 if n % 4 == 0 else 10) for n in range(1, 25)]
    await put(store, *sent)
    maildrop = await store.open(ALICE)
    assert await read(maildrop, *range(1, 25)) == [message.data for message in sent]
    await maildrop.release()


async def test_one_that_is_damaged_is_no_other_messages_fault(store: EmbeddedStore) -> None:
    sent = letters(COUNT)
    await put(store, *sent)
    with closing(index_of(store)) as sql:
        sql.execute("UPDATE bodies SET data = substr(data, 2) WHERE id = 7")
        sql.execute("DELETE FROM bodies WHERE id = 9")
    maildrop = await store.open(ALICE)
    for number in range(1, 20):
        if number in {7, 9}:
            with pytest.raises(BodyDamaged):
                await maildrop.body(number)
        else:
            assert await read(maildrop, number) == [sent[number - 1].data]
    await maildrop.release()


async def test_one_that_cannot_be_read_is_no_other_messages_fault(tmp_path: Path) -> None:
    """A page of rubbish, which SQLite meets before the window is full."""
    folder = tmp_path / "store"
    store = open_store(folder, shards=1)
    sent = letters(COUNT, 1000)
    await put(store, *sent)
    await store.close()
    index = folder / "shard-00" / "index.db"
    at = index.read_bytes().index(sent[5].data[:1000])
    page = at // 4096 * 4096
    with index.open("r+b") as file:
        file.seek(page)
        file.write(b"\xff" * 4096)
    store = open_store(folder, shards=1)
    maildrop = await store.open(ALICE)
    served = []
    for number in range(1, COUNT + 1):
        try:
            served += await read(maildrop, number)
        except StoreUnavailable:
            served.append(b"")
    lost = [n for n, data in enumerate(served, 1) if not data]
    assert 6 in lost
    assert len(lost) < 10
    assert all(data in {b"", message.data} for data, message in zip(served, sent, strict=True))
    await maildrop.release()
    await store.close()
