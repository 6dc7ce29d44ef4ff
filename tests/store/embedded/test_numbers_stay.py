"""A number is the message that it was when the session began, or nothing at all.

What a session says of numbers need not have been read by it: replies to LIST and UIDL are
remembered. So its first look at the index can come when others have deleted already.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from pillarbox.contracts.errors import LockLost, StoreUnavailable
from pillarbox.model import Column, Identity, MessageInfo, Recipient
from pillarbox.store.embedded import EmbeddedStore, open_store
from pillarbox.store.embedded.maildrop import SMALL

from .actor import letter

ALICE = Identity("alice")


@pytest.fixture(params=[4, SMALL + 4], ids=["small", "large"])
async def store(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[EmbeddedStore]:
    """alice's mail lies in files, and has a gap: her third letter has been deleted.

    One more deletion, at the end, and the sequence numbers span as many as she had.
    """
    store = open_store(tmp_path / "store", shards=1, inline_bytes=1)
    letters = [letter(f"{number}", 5) for number in range(request.param)]
    answers = [store.deliver(each, [Recipient("alice")]) for each in letters]
    assert all(answer == [None] for answer in await asyncio.gather(*answers))
    maildrop = await store.open(ALICE)
    await maildrop.commit([3])
    await maildrop.release()
    yield store
    await store.close()


async def last_is_repaired_away(store: EmbeddedStore) -> None:
    (file,) = (store.all_shards[0].folder / "bodies").rglob(f"{_last_body(store):x}")
    file.unlink()
    (finding,) = await store.check(repair=True)
    assert finding.repaired


def _last_body(store: EmbeddedStore) -> int:
    ((body,),) = store.all_shards[0].rows("SELECT max(id) FROM bodies")
    return int(body)


async def last_is_deleted_after_an_unlock(store: EmbeddedStore) -> None:
    assert await store.unlock("alice")
    other = await store.open(ALICE)
    await other.commit([other.count])
    await other.release()


@pytest.mark.parametrize("others", [last_is_repaired_away, last_is_deleted_after_an_unlock])
async def test_others_who_delete_move_no_number(
    store: EmbeddedStore, others: Callable[[EmbeddedStore], Awaitable[None]]
) -> None:
    before = await store.listing("alice")
    maildrop = await store.open(ALICE)
    last = maildrop.count
    await others(store)
    with pytest.raises(StoreUnavailable):
        await maildrop.messages(last, last)
    with pytest.raises(StoreUnavailable):
        await maildrop.body(last)
    with pytest.raises((LockLost, StoreUnavailable)):
        await maildrop.commit([last])
    await maildrop.release()
    assert _unique_ids(await store.listing("alice")) == _unique_ids(before[:-1])


async def test_a_session_that_has_looked_before_a_repair_goes_on(store: EmbeddedStore) -> None:
    before = await store.listing("alice")
    maildrop = await store.open(ALICE)
    await maildrop.messages(1, maildrop.count)
    await last_is_repaired_away(store)
    await maildrop.commit([1])
    await maildrop.release()
    assert _unique_ids(await store.listing("alice")) == _unique_ids(before[1:-1])


async def test_new_mail_is_no_reason_to_refuse(store: EmbeddedStore) -> None:
    before = await store.listing("alice")
    maildrop = await store.open(ALICE)
    last = maildrop.count
    assert await store.deliver(letter("new", 5), [Recipient("alice")]) == [None]
    assert _unique_ids(await maildrop.messages(last, last)) == _unique_ids(before[-1:])
    await maildrop.release()


def _unique_ids(infos: Sequence[MessageInfo]) -> list[str]:
    return [info.unique_id for info in infos]


@pytest.mark.parametrize("others", [last_is_repaired_away, last_is_deleted_after_an_unlock])
async def test_others_who_delete_shift_no_line_of_a_listing(
    store: EmbeddedStore, others: Callable[[EmbeddedStore], Awaitable[None]]
) -> None:
    maildrop = await store.open(ALICE)
    last = maildrop.count
    await others(store)
    for column in Column:
        with pytest.raises(StoreUnavailable):
            await maildrop.column(column, 1, last)
        with pytest.raises(StoreUnavailable):
            await maildrop.column(column, 1, 2)
    with pytest.raises(StoreUnavailable):
        await maildrop.octets_of([1])
    await maildrop.release()


@pytest.mark.parametrize("others", [last_is_repaired_away, last_is_deleted_after_an_unlock])
async def test_a_listing_under_way_is_refused_and_never_short(
    store: EmbeddedStore, others: Callable[[EmbeddedStore], Awaitable[None]]
) -> None:
    infos = await store.listing("alice")
    maildrop = await store.open(ALICE)
    last = maildrop.count
    assert list(await maildrop.column(Column.UNIQUE_ID, 1, 2)) == _unique_ids(infos[:2])
    await others(store)
    for column in Column:
        for first in (1, last - 1, last):
            with pytest.raises(StoreUnavailable):
                await maildrop.column(column, first, last)
    for numbers in ([last], [1, last], range(1, last + 1)):
        with pytest.raises(StoreUnavailable):
            await maildrop.octets_of(numbers)
    assert list(await maildrop.column(Column.UNIQUE_ID, 1, last - 1)) == _unique_ids(infos[:-1])
    await maildrop.release()


async def test_a_listing_is_in_order_however_sqlite_walks(store: EmbeddedStore) -> None:
    """SQLite promises no order inside ``group_concat``; here it walks backwards."""
    infos = await store.listing("alice")
    maildrop = await store.open(ALICE)
    assert await maildrop.column(Column.UNIQUE_ID, 1, 1) == _unique_ids(infos[:1])
    store.all_shards[0].rows("PRAGMA reverse_unordered_selects = ON")
    ((text,),) = store.all_shards[0].rows("SELECT group_concat(unique_id, ' ') FROM messages")
    assert text.split(" ") == _unique_ids(infos)[::-1]
    assert await maildrop.column(Column.UNIQUE_ID, 1, len(infos)) == _unique_ids(infos)
    assert await maildrop.column(Column.UNIQUE_ID, 2, 3) == _unique_ids(infos[1:3])
    await maildrop.release()


async def test_a_listing_between_messages_of_one_size_is_in_order(tmp_path: Path) -> None:
    """The octets at both ends are the same then, in whichever direction SQLite walks."""
    store = open_store(tmp_path / "store", shards=1)
    for lines in (5, 1, 2, 3, 5):
        assert await store.deliver(letter("x", lines), [Recipient("alice")]) == [None]
    maildrop = await store.open(ALICE)
    said = list(await maildrop.column(Column.OCTETS, 1, 5))
    assert said == [str(info.octets) for info in await store.listing("alice")]
    store.all_shards[0].rows("PRAGMA reverse_unordered_selects = ON")
    assert list(await maildrop.column(Column.OCTETS, 1, 5)) == said
    await maildrop.release()
    await store.close()
