"""``check`` finds what disagrees in a cluster, and mends it without losing what is whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest

from pillarbox.contracts.store import Finding
from pillarbox.model import Identity, Recipient
from pillarbox.store.cluster import check_faults, check_objects
from pillarbox.store.cluster.check import check
from pillarbox.store.cluster.clock import DatabaseClock
from pillarbox.store.cluster.collector import Collector
from pillarbox.store.cluster.delivering import Delivery
from pillarbox.store.cluster.engine import ClusterStore
from pillarbox.store.cluster.objects import Objects, ObjectSettings
from pillarbox.store.cluster.settings import ClusterSettings
from pillarbox.store.cluster.tables import Rows, Tables
from pillarbox.wire.canonical import stored_form

ALICE, BOB = "alice", "bob"


class World:
    """A store whose tables can be damaged."""

    def __init__(self, store: ClusterStore, objects: Objects) -> None:
        self.store = store
        self.objects = objects
        self.tables = Tables(store.database)

    async def check(self, user: str | None = None, *, repair: bool = False) -> Sequence[Finding]:
        return await check(self.tables, self.objects, user, repair=repair)

    async def run(self, statement: str, *values: object) -> Rows:
        return await self.tables.change(statement, *values)

    async def deliver(self, text: str, *users: str) -> None:
        message = stored_form(f"Subject: {text}\r\n\r\n{text}\r\n".encode())
        outcomes = await self.store.deliver(message, [Recipient(user) for user in users])
        assert outcomes == [None] * len(users)

    async def deliver_large(self, text: str, *users: str) -> UUID:
        message, identifier = stored_form(f"\r\n{text}\r\n".encode()), uuid4()
        await self.run("INSERT INTO objects (id) VALUES ($1)", identifier)
        await self.objects.put(identifier, message.data)
        clock = DatabaseClock(self.tables)
        delivery = Delivery.of(self.tables, clock, message, identifier)
        for user in users:
            assert await delivery.to(Recipient(user)) is None
        return identifier

    async def last(self, user: str) -> str:
        return (await self.store.listing(user))[-1].unique_id

    async def count(self, user: str, view: str = "default") -> int:
        return len(await self.store.listing(user, view))

    async def delete(self, user: str, numbers: Sequence[int], view: str = "default") -> None:
        maildrop = await self.store.open(Identity(user, view))
        await maildrop.commit(numbers)
        await maildrop.release()

    async def found(self, *expected: str, user: str | None = None) -> None:
        """These faults are found; they are mended, and nothing is found any more."""
        findings = await self.check(user)
        assert not any(finding.repaired for finding in findings)
        _are(findings, expected)
        findings = await self.check(user, repair=True)
        assert all(finding.repaired for finding in findings)
        _are(findings, expected)
        assert await self.check() == []


def _are(findings: Sequence[Finding], expected: Sequence[str]) -> None:
    texts = [f"{finding.user}: {finding.problem}" for finding in findings]
    for part in expected:
        assert any(part in text for text in texts), (part, texts)
    assert len(texts) == len(expected), texts


@pytest.fixture
async def world(database_url: str, objects_settings: ObjectSettings) -> AsyncIterator[World]:
    store, objects = ClusterStore(ClusterSettings(database_url)), Objects(objects_settings)
    yield World(store, objects)
    await objects.close()
    await store.close()


@pytest.fixture
async def full(world: World) -> World:
    """Two users, one of them with a device, and mail of both sizes that both have."""
    await world.store.add_view(ALICE, "phone")
    for number in range(4):
        await world.deliver(f"small {number}", ALICE, BOB)
    await world.deliver_large("large", ALICE, BOB)
    await world.delete(ALICE, [2], "phone")
    return world


async def test_a_sound_store_has_no_faults(full: World) -> None:
    for user in (None, ALICE, BOB, "nobody"):
        assert await full.check(user) == await full.check(user, repair=True) == []


async def test_pages_change_nothing(full: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_faults, "PAGE_MESSAGES", 1)
    monkeypatch.setattr(check_objects, "PAGE", 1)
    await full.deliver_large("another", BOB)
    orphans = [uuid4() for _ in range(5)]
    for orphan in orphans:
        await full.objects.put(orphan, b"x")
    await full.run("UPDATE maildrops SET octets = 0")
    parts = [f"object {orphan}" for orphan in orphans]
    await full.found("alice: the counters", "alice: the counters", "bob: the counters", *parts)


async def test_a_maildrop_that_is_not_there_comes_back(full: World) -> None:
    await full.run("DELETE FROM maildrops WHERE name = 'bob'")
    findings = await full.check(repair=True)
    assert "bob" in {finding.user for finding in findings}
    assert await full.check() == []
    assert await full.count(BOB) == 5
    await full.deliver("new", BOB)
    assert await full.count(BOB) == 6


async def test_views_of_nobody_go(full: World) -> None:
    await full.run("INSERT INTO views (maildrop, name, token) VALUES ('carol', 'phone', 1)")
    await full.run("INSERT INTO hidden (maildrop, view, seq) VALUES ('carol', 'phone', 1)")
    await full.found("carol: views phone", "carol: view phone has 1 marks")


async def test_a_missing_default_comes_back(full: World) -> None:
    await full.run("DELETE FROM views WHERE maildrop = 'bob'")
    await full.found("bob: the maildrop has no view default")
    assert await full.count(BOB) == 5


async def test_marks_of_nothing_go(full: World) -> None:
    await full.run("INSERT INTO hidden (maildrop, view, seq) VALUES ('alice', 'phone', 77)")
    await full.run("INSERT INTO hidden (maildrop, view, seq) VALUES ('alice', 'tablet', 1)")
    await full.found("view phone has 1 marks", "view tablet has 1 marks")


async def test_what_nobody_lists_nor_has_deleted_comes_back(full: World) -> None:
    await full.delete(BOB, [1])
    await full.run("UPDATE views SET since = 4 WHERE maildrop = 'bob'")
    findings = await full.check(repair=True)
    assert "2 messages are on no list" in findings[0].problem
    assert await full.check() == []
    assert [info.number for info in await full.store.listing(BOB)] == [1, 2, 3, 4]


async def test_what_comes_back_brings_nothing_else_with_it(full: World) -> None:
    await full.store.add_view(BOB, "phone")
    await full.store.listing(BOB, "phone")
    await full.delete(BOB, [1])  # waits for the phone
    assert await full.count(BOB) == 4
    await full.run("UPDATE views SET since = 3 WHERE maildrop = 'bob' AND name = 'phone'")
    await full.run("UPDATE views SET since = 3 WHERE maildrop = 'bob' AND name = 'default'")
    await full.run("DELETE FROM hidden WHERE maildrop = 'bob'")
    await full.check(repair=True)
    assert await full.check() == []
    assert await full.count(BOB) == 4  # not the one that it had deleted


async def test_what_should_have_been_removed_is(full: World) -> None:
    await full.run("UPDATE views SET since = 2 WHERE maildrop = 'bob'")
    await full.run("UPDATE messages SET deleted = TRUE WHERE maildrop = 'bob' AND seq = 1")
    await full.found("bob: the counters say", "1 messages should have been removed")
    assert await full.count(BOB) == 4


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE maildrops SET messages = 0 WHERE name = 'bob'",
        "UPDATE maildrops SET octets = octets + 1 WHERE name = 'bob'",
        "UPDATE maildrops SET next_seq = 2 WHERE name = 'bob'",
        "UPDATE views SET unlisted_messages = 1 WHERE maildrop = 'bob'",
        "UPDATE views SET unlisted_octets = -1 WHERE maildrop = 'bob'",
    ],
)
async def test_counters_are_set_right(full: World, damage: str) -> None:
    await full.run(damage)
    await full.found("bob: the counters say", user=BOB)
    await full.deliver("new", BOB)
    assert await full.count(BOB) == 6
    assert await full.check() == []


async def test_a_message_whose_body_is_missing_is_taken_off_the_list(full: World) -> None:
    await full.run("DELETE FROM bodies WHERE maildrop = 'bob' AND seq = 2")
    await full.found("bob: message", user=BOB)
    assert await full.count(BOB) == 4


async def test_what_is_left_of_a_body_is_kept(full: World) -> None:
    ((whole,),) = await full.run("SELECT data FROM bodies WHERE maildrop = 'bob' AND seq = 2")
    await full.run("UPDATE bodies SET data = $1 WHERE maildrop = 'bob' AND seq = 2", whole[:7])
    await full.found(f"has 7 bytes instead of {len(whole)}")
    assert [data for (data,) in await full.run("SELECT data FROM lost")] == [whole[:7]]
    assert await full.count(BOB) == 4


async def test_bodies_of_no_message_are_kept(full: World) -> None:
    await full.run("INSERT INTO bodies (maildrop, seq, data) VALUES ('bob', 77, 'lost')")
    await full.run("INSERT INTO bodies (maildrop, seq, data) VALUES ('zoe', 1, 'lost')")
    await full.found("bob: 1 bodies belong to no message", "zoe: 1 bodies belong to no message")
    assert len(await full.run("SELECT 1 FROM lost")) == 2


async def test_a_body_that_has_changed_is_found_by_who_reads_it_and_left(full: World) -> None:
    await full.run(
        "UPDATE bodies SET data = overlay(data PLACING 'X'::BYTEA FROM 12)"
        " WHERE maildrop = 'bob' AND seq = 2"
    )
    identifier = await full.deliver_large("to be changed", BOB)
    size = await full.objects.size_of(identifier)
    assert size is not None
    await full.objects.put(identifier, bytes(size))
    assert await full.check() == []
    for repair in (False, True):
        findings = await full.check(BOB, repair=repair)
        _are(findings, ["has other octets than were delivered"] * 2)
        assert not any(finding.repaired for finding in findings)
    assert await full.count(BOB) == 6


@pytest.mark.parametrize(("user", "left"), [(BOB, None), (BOB, b"short"), (None, b"short")])
async def test_a_message_whose_object_is_not_whole_is_taken_off_the_list(
    full: World, user: str | None, left: bytes | None
) -> None:
    identifier = await full.deliver_large("another", BOB)
    await full.objects.remove([identifier])
    if left is not None:
        await full.objects.put(identifier, left)
    why = "is missing" if left is None else "has 5 bytes instead of 11"
    await full.found(f"its object {identifier} {why}", user=user)
    assert await full.count(BOB) == 5
    noted = await full.run("SELECT maildrop, object, octets, data FROM lost")
    assert [tuple(row) for row in noted] == [(BOB, identifier, 11, b"")]
    rows = await full.run("SELECT refs FROM objects WHERE id = $1", identifier)
    assert [row[0] for row in rows] == [1]  # not the collector's: it may turn up


async def test_a_missing_object_is_not_believed_to_be_gone_for_good(full: World) -> None:
    body = stored_form(b"\r\nanother\r\n").data
    identifier = await full.deliver_large("another", ALICE, BOB)
    await full.objects.remove([identifier])
    findings = await full.check(repair=True)
    _are(findings, [f"bob: message {await full.last(BOB)}", "alice: message "])
    assert not any(finding.repaired for finding in findings)
    assert all("name the user" in finding.problem for finding in findings)
    (finding,) = await full.check(BOB, repair=True)
    assert (finding.user, finding.repaired) == (BOB, True)
    assert (await full.count(ALICE), await full.count(BOB)) == (5, 5)
    await full.objects.put(identifier, body)  # from a backup
    await full.store.remove(ALICE)
    assert await full.check(repair=True) == []
    assert await Collector(full.store.database, full.objects, grace=0).collect() == 0
    assert await full.objects.size_of(identifier) == len(body)


async def test_nothing_is_taken_off_a_list_when_it_is_the_wrong_object_store(
    full: World, objects_settings: ObjectSettings
) -> None:
    for objects in (None, Objects(_beside(objects_settings))):
        findings = await check(full.tables, objects, None, repair=True)
        _are(findings, ["None: 2 messages have their bodies in an object store"])
        assert not findings[0].repaired
    assert await full.count(BOB) == 5


def _beside(settings: ObjectSettings) -> ObjectSettings:
    return ObjectSettings(
        f"{settings.url}-other",
        endpoint=settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
    )


async def test_references_are_counted_anew(full: World) -> None:
    await full.run("UPDATE objects SET refs = 0, doomed_at = now()")
    await full.found("says that 0 messages have it, 2 list it")
    await full.run("DELETE FROM objects")
    await full.found("says that 0 messages have it, 2 list it", user=ALICE)
    await full.store.remove(ALICE)
    await full.store.remove(BOB)
    rows = await full.run("SELECT refs, doomed_at FROM objects")
    assert [tuple(row) for row in rows] == [(0, None)]
    assert await full.check() == []


async def test_an_object_of_nobody_is_moved_away(full: World) -> None:
    orphan = uuid4()
    await full.objects.put(orphan, b"mail of somebody")
    await full.found(f"None: object {orphan} of {full.objects.name} belongs to no message")
    assert await full.objects.size_of(orphan) is None


async def test_an_upload_that_is_under_way_is_no_fault(full: World) -> None:
    announced, uploaded = uuid4(), uuid4()
    for identifier in (announced, uploaded):
        await full.run("INSERT INTO objects (id) VALUES ($1)", identifier)
    await full.objects.put(uploaded, b"x")
    assert await full.check(repair=True) == []
