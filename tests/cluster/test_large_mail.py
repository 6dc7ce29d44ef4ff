"""Large mail through the whole engine: an object store that is away, and deliveries that die."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from pillarbox.contracts.errors import BodyDamaged, StoreError, StoreUnavailable
from pillarbox.model import Identity, Recipient, StoredForm
from pillarbox.store.cluster.collector import Collector
from pillarbox.store.cluster.engine import ClusterStore
from pillarbox.store.cluster.objects import Objects, ObjectSettings
from pillarbox.store.cluster.settings import ClusterSettings
from pillarbox.wire.canonical import stored_form
from tests.cluster.seaweedfs import SeaweedFs

ALICE, BOB = Identity("alice"), Identity("bob")
SMALL = stored_form(b"Subject: small\r\n\r\nsmall\r\n")
LARGE = stored_form(b"Subject: large\r\n\r\n" + b"0123456789abcde\r\n" * 50_000)


@pytest.fixture
async def objects(objects_settings: ObjectSettings) -> AsyncIterator[Objects]:
    objects = Objects(objects_settings)
    yield objects
    await objects.close()


@pytest.fixture
async def store(database_url: str, objects_settings: ObjectSettings) -> AsyncIterator[ClusterStore]:
    store = ClusterStore(ClusterSettings(database_url, objects=objects_settings))
    yield store
    await store.close()


async def _deliver(
    store: ClusterStore, message: StoredForm, *whose: Identity
) -> Sequence[StoreError | None]:
    return await store.deliver(message, [Recipient(user) for user, _ in whose])


async def _read(store: ClusterStore, whose: Identity) -> list[bytes]:
    maildrop = await store.open(whose)
    bodies = []
    try:
        for number in range(1, maildrop.count + 1):
            content = (await maildrop.body(number)).content
            if not isinstance(content, bytes):
                content = b"".join([piece async for piece in content])
            bodies.append(content)
    finally:
        await maildrop.release()
    return bodies


async def _delete_all(store: ClusterStore, whose: Identity) -> None:
    maildrop = await store.open(whose)
    await maildrop.commit(range(1, maildrop.count + 1))
    await maildrop.release()


async def _count(objects: Objects) -> int:
    return len([entry async for entry in objects.all()])


async def test_a_large_body_is_kept_once_for_all(store: ClusterStore, objects: Objects) -> None:
    assert await _deliver(store, LARGE, ALICE, BOB) == [None, None]
    assert await _deliver(store, SMALL, ALICE) == [None]
    assert await _count(objects) == 1
    assert await _read(store, ALICE) == [LARGE.data, SMALL.data]
    await _delete_all(store, ALICE)
    assert await Collector(store.database, objects, grace=0).collect() == 0
    assert await _read(store, BOB) == [LARGE.data]
    await _delete_all(store, BOB)
    assert await Collector(store.database, objects, grace=0).collect() == 1
    assert await _count(objects) == 0
    assert await store.check() == []


async def test_without_the_object_store_small_mail_goes_on_and_large_mail_comes_back(
    seaweedfs: SeaweedFs, store: ClusterStore
) -> None:
    assert await _deliver(store, LARGE, ALICE) == [None]
    with seaweedfs.gateway.gone():
        await store.probe()  # else a balancer would take all nodes away
        assert await _deliver(store, SMALL, ALICE) == [None]
        (outcome,) = await _deliver(store, LARGE, ALICE)
        assert isinstance(outcome, StoreUnavailable)
        assert outcome.temporary
        maildrop = await store.open(ALICE)
        assert [info.octets for info in await maildrop.messages(1, 2)] == [
            LARGE.octets,
            SMALL.octets,
        ]
        assert (await maildrop.body(2)).content == SMALL.data
        with pytest.raises(StoreUnavailable) as caught:
            await maildrop.body(1)
        assert caught.value.temporary
        await maildrop.commit([2])
        await maildrop.release()
    await seaweedfs.wait_until_it_takes_objects()
    assert await _deliver(store, LARGE, ALICE) == [None]
    assert await _read(store, ALICE) == [LARGE.data, LARGE.data]
    assert await store.check() == []


async def test_a_body_that_is_not_there_is_no_empty_message(
    store: ClusterStore, objects: Objects
) -> None:
    assert await _deliver(store, LARGE, ALICE) == [None]
    await objects.remove([entry.identifier async for entry in objects.all()])
    with pytest.raises((StoreUnavailable, BodyDamaged)):
        await _read(store, ALICE)


async def test_a_volume_server_that_dies_takes_no_mail_with_it(
    seaweedfs: SeaweedFs, store: ClusterStore
) -> None:
    for number in range(3):
        with seaweedfs.volumes[number].gone():
            assert await _deliver(store, LARGE, ALICE) == [None]
            assert await _read(store, ALICE) == [LARGE.data] * (number + 1)


async def test_an_upload_that_the_collector_has_taken_for_forgotten_is_not_acknowledged(
    store: ClusterStore, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Objects.put

    async def put_slowly(self: Objects, identifier: UUID, data: bytes) -> None:
        await put(self, identifier, data)
        assert await Collector(store.database, objects, grace=0).collect() == 1

    monkeypatch.setattr(Objects, "put", put_slowly)
    for outcome in await _deliver(store, LARGE, ALICE, BOB):
        assert isinstance(outcome, StoreUnavailable)
        assert outcome.temporary
    monkeypatch.undo()
    assert await _deliver(store, LARGE, ALICE, BOB) == [None, None]
    assert await _read(store, ALICE) == [LARGE.data]
    assert await store.check() == []


async def test_check_mistakes_nothing_that_goes_on_for_a_fault(
    store: ClusterStore, objects: Objects
) -> None:
    collector = Collector(store.database, objects, grace=2)

    async def come_and_go(whose: Identity) -> None:
        for _ in range(10):
            assert await _deliver(store, LARGE, whose, ALICE) == [None, None]
            assert await _deliver(store, SMALL, whose) == [None]
            await _delete_all(store, whose)
            await collector.collect()

    going_on = [asyncio.create_task(come_and_go(Identity(f"user{n}"))) for n in range(3)]
    checked = 0
    while not all(task.done() for task in going_on):
        assert await store.check(repair=True) == []
        checked += 1
    await asyncio.gather(*going_on)
    assert checked > 1
    assert await _read(store, ALICE) == [LARGE.data] * 30
    assert await store.check() == []


@pytest.mark.parametrize(("point", "left"), [("announced", 0), ("uploaded", 0), ("listed", 1)])
async def test_a_delivery_that_is_killed_leaves_mail_or_nothing(
    database_url: str, store: ClusterStore, objects: Objects, objects_settings: ObjectSettings,
    point: str, left: int,
) -> None:  # fmt: skip
    settings = objects_settings
    await _die_delivering(
        point,
        *(database_url, settings.url, str(settings.endpoint)),
        *(str(settings.access_key), str(settings.secret_key), ALICE.user, BOB.user),
    )
    await Collector(store.database, objects, grace=0).collect()
    assert await _read(store, ALICE) == await _read(store, BOB) == [LARGE.data] * left
    assert await _count(objects) == left
    assert len(await store.database.fetch("SELECT id FROM objects")) == left
    assert await store.check() == []


async def _die_delivering(*arguments: str) -> None:
    """Have a process killed at the point that is the first of the *arguments*."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.cluster.delivering_and_dying", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(LARGE.data)
    process.stdin.close()
    try:
        assert await process.stdout.readline() == f"{arguments[0]}\n".encode()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
