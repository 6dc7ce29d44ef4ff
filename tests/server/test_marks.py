"""Marks: RFC 1939, section 5 (DELE, RSET, STAT, LIST), however many and at whatever cost."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.model import Identity, Recipient, StoredForm
from pillarbox.server.listener import Pop3Server
from pillarbox.server.marks import MAX_UNCOUNTED, Marks
from pillarbox.server.transaction import PAGE
from pillarbox.store.memory import MemoryMaildrop, MemoryStore
from tests.transport import Client, settle
from tests.world import FaultyStore


class Counted(MemoryMaildrop):
    """Notes how many messages each sum is asked of, and can fail."""

    asked: list[int]
    fails = False

    async def octets_of(self, numbers: Collection[int]) -> int:
        if self.fails:
            raise StoreUnavailable("the disk is gone", temporary=True)
        self.asked.append(len(numbers))
        return await super().octets_of(numbers)


async def opened(count: int) -> Counted:
    """Message *n* has *n* octets."""
    store = MemoryStore()
    for size in range(1, count + 1):
        await store.deliver(StoredForm(b"x" * size, size), [Recipient("alice")])
    maildrop = await store.open(Identity("alice"))
    counted = Counted(maildrop._box, maildrop._view)
    counted.asked = []
    return counted


async def test_a_mark_does_not_look_into_the_store_and_is_counted_once() -> None:
    maildrop, marks = await opened(10), Marks()
    for number in (3, 1, 7):
        await marks.add(number, maildrop)
    assert maildrop.asked == []
    assert marks.numbers == {1, 3, 7}
    for _ in range(2):
        assert await marks.octets(maildrop) == 11
    await marks.add(10, maildrop)
    assert await marks.octets(maildrop) == 21
    assert maildrop.asked == [3, 1]


async def test_without_marks_there_is_nothing_to_ask() -> None:
    maildrop, marks = await opened(2), Marks()
    assert await marks.octets(maildrop) == 0
    await marks.add(1, maildrop)
    marks.clear()
    assert (await marks.octets(maildrop), marks.numbers) == (0, set())
    assert maildrop.asked == []


async def test_a_message_marked_again_after_rset_is_counted_once() -> None:
    maildrop, marks = await opened(3), Marks()
    await marks.add(2, maildrop)
    assert await marks.octets(maildrop) == 2
    marks.clear()
    await marks.add(2, maildrop)
    await marks.add(3, maildrop)
    assert await marks.octets(maildrop) == 5


async def test_no_sum_is_asked_of_more_than_the_limit() -> None:
    count = 3 * MAX_UNCOUNTED + 5
    maildrop, marks = await opened(count), Marks()
    for number in range(1, count + 1):
        await marks.add(number, maildrop)
    assert await marks.octets(maildrop) == maildrop.octets
    assert max(maildrop.asked) <= MAX_UNCOUNTED
    assert sum(maildrop.asked) == count


async def test_a_sum_that_failed_is_asked_for_again() -> None:
    maildrop, marks = await opened(MAX_UNCOUNTED + 1), Marks()
    for number in range(1, MAX_UNCOUNTED + 1):
        await marks.add(number, maildrop)
    maildrop.fails = True
    with pytest.raises(StoreUnavailable):
        await marks.octets(maildrop)
    with pytest.raises(StoreUnavailable):
        await marks.add(MAX_UNCOUNTED + 1, maildrop)
    assert MAX_UNCOUNTED + 1 not in marks.numbers
    maildrop.fails = False
    await marks.add(MAX_UNCOUNTED + 1, maildrop)
    assert await marks.octets(maildrop) == maildrop.octets


async def test_stat_list_and_rset_know_what_is_marked(
    server: Pop3Server, store: FaultyStore
) -> None:
    await store.put("mrose", b"1\r\n", b"22\r\n", b"333\r\n")
    client = await Client(server).sign_in()
    assert await client.say(b"STAT\r\n") == b"+OK 3 12\r\n"
    await client.say(b"DELE 2\r\nDELE 3\r\n")
    assert await client.say(b"STAT\r\n") == b"+OK 1 3\r\n"
    assert (await client.say(b"LIST\r\n")).startswith(b"+OK 1 messages (3 octets)\r\n1 3\r\n.")
    assert b"3 messages (12 octets)" in await client.say(b"RSET\r\n")
    await client.say(b"DELE 1\r\n")
    assert await client.say(b"STAT\r\n") == b"+OK 2 9\r\n"


async def test_a_store_that_fails_lets_mark_but_not_ask(
    server: Pop3Server, store: FaultyStore
) -> None:
    """What a mark needs is known; nothing is removed before QUIT has found the store in order."""
    await store.put("mrose", b"1\r\n", b"22\r\n")
    client = await Client(server).sign_in()
    store.faults.errors["messages"] = StoreUnavailable("no disk", temporary=True)
    assert (await client.say(b"DELE 1\r\n")).startswith(b"+OK")
    assert (await client.say(b"STAT\r\n")).startswith(b"-ERR [SYS/TEMP]")
    store.faults.errors.clear()
    assert await client.say(b"STAT\r\n") == b"+OK 1 4\r\n"


async def test_a_long_listing_leaves_out_what_is_marked_on_any_page(
    server: Pop3Server, store: FaultyStore
) -> None:
    """One page has nothing left, and that is no end of the listing."""
    count = 2 * PAGE + 3
    await store.put("mrose", *[b"x\r\n"] * count)
    client = await Client(server).sign_in()
    marked = {1, PAGE, *range(PAGE + 1, 2 * PAGE + 1), count}
    said = await client.say(b"".join(b"DELE %d\r\n" % number for number in sorted(marked)))
    while said.count(b"+OK") < len(marked):
        await settle()
        said += client.heard()
    for command in (b"LIST\r\n", b"UIDL\r\n"):
        reply = await client.say(command)
        while not reply.endswith(b"\r\n.\r\n"):
            await settle()
            reply += client.heard()
        numbers = [int(line.split()[0]) for line in reply.split(b"\r\n")[1:-2]]
        assert numbers == [n for n in range(1, count + 1) if n not in marked]
