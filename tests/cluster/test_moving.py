"""Maildrops are moved into a cluster, out of it, and from one to another."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from pillarbox.contracts.errors import LockLost, MaildropExists, MaildropLocked, StoreUnavailable
from pillarbox.contracts.store import Body
from pillarbox.contracts.transfer import TakenOver
from pillarbox.model import Identity
from pillarbox.store.cluster.engine import ClusterStore
from pillarbox.store.cluster.objects import Objects, ObjectSettings
from pillarbox.store.cluster.settings import ClusterSettings
from pillarbox.store.embedded import open_store
from pillarbox.store.memory import MemoryStore
from pillarbox.testing.store_contract import seen_next
from pillarbox.testing.store_contract.material import ALICE, delete, letter, put
from pillarbox.testing.store_contract.moving import MovingContract
from pillarbox.testing.store_contract.moving_material import (
    Failing,
    MakeMovingStore,
    MovingEngine,
    furnish,
    move,
    move_failing,
    standing,
)
from tests.cluster.postgres import PostgresServer
from tests.cluster.stores import StoreOfItsOwn
from tests.store.test_moving_large import fill


@pytest.fixture
def clusters(postgres: PostgresServer) -> MakeMovingStore:
    return lambda: StoreOfItsOwn(postgres)


@pytest.fixture
def folders(tmp_path: Path) -> MakeMovingStore:
    numbers = count()
    return lambda: open_store(tmp_path / f"store-{next(numbers)}")


FEWER = settings(MovingContract.machine_settings, max_examples=5)
"""For every day: engines without a server go through all, and so does a move between clusters, in the long run."""


class TestFromEmbeddedToCluster(MovingContract):
    machine_settings = FEWER

    @pytest.fixture
    def make_source(self, folders: MakeMovingStore) -> MakeMovingStore:
        return folders

    @pytest.fixture
    def make_target(self, clusters: MakeMovingStore) -> MakeMovingStore:
        return clusters


class TestFromClusterToEmbedded(MovingContract):
    machine_settings = FEWER

    @pytest.fixture
    def make_source(self, clusters: MakeMovingStore) -> MakeMovingStore:
        return clusters

    @pytest.fixture
    def make_target(self, folders: MakeMovingStore) -> MakeMovingStore:
        return folders


@pytest.mark.long  # both halves of it are above
class TestFromClusterToCluster(MovingContract):
    @pytest.fixture
    def make_source(self, clusters: MakeMovingStore) -> MakeMovingStore:
        return clusters

    @pytest.fixture
    def make_target(self, clusters: MakeMovingStore) -> MakeMovingStore:
        return clusters


async def test_from_one_cluster_to_another_and_on_to_a_third(clusters: MakeMovingStore) -> None:
    first, other, third = clusters(), clusters(), clusters()
    await furnish(first)
    await move(first, other)
    assert await standing(other) == await standing(first)
    await put(first, ALICE, letter("later", 300_000))
    await delete(first, ALICE, [1], view="laptop")
    assert (await move(first, other)).messages == 1
    with pytest.raises(MaildropExists, match="same mail"):
        await move(other, first)
    await move(other, third)
    assert await standing(third) == await standing(first)
    assert await move(other, third) == TakenOver()
    for store in (first, other, third):
        assert await store.check() == []
        await store.close()


AWAY = StoreUnavailable("away", temporary=True)


async def test_who_died_while_it_was_moved_leaves_it_closed_for_all_nodes(
    folders: MakeMovingStore, database_url: str
) -> None:
    source = folders()
    await put(source, ALICE, letter("1"), letter("2"))
    await source.add_view(ALICE, "phone")
    shared = ClusterSettings(database_url)
    first, other = ClusterStore(shared), ClusterStore(shared)
    with pytest.raises(StoreUnavailable):
        await move_failing(source, first, {1: AWAY})
    await first.close()  # the process ends; what it held falls to others, but for this
    with pytest.raises(MaildropLocked):
        await other.open(Identity(ALICE))
    (view,) = (await other.status(ALICE)).views
    assert "pillarbox import" in (view.holder or "")
    await move(source, other)
    assert await standing(other) == await standing(source)
    assert len(await seen_next(other, ALICE)) == 2
    await other.close()
    await source.close()


async def test_who_comes_back_after_others_have_gone_on_brings_nothing_twice(
    folders: MakeMovingStore, postgres: PostgresServer, database_url: str
) -> None:
    """A process that was frozen for longer than its lease, while it moved a maildrop."""
    source = folders()
    await put(source, ALICE, letter("1", 3_000_000), letter("2", 3_000_000))
    frozen, other = (ClusterStore(ClusterSettings(database_url)) for _ in range(2))
    export = await source.export(ALICE)
    assert export is not None
    same = Failing(export, {})

    class Freezing(Failing):
        async def body(self, place: int) -> Body:
            if place == 1:
                lapsed = "UPDATE processes SET alive_until = now() WHERE pid <> 0 RETURNING id"
                assert postgres.run(lapsed, database_url.rpartition("/")[2])
                assert (await other.take_over(same)).messages == 1
            return await super().body(place)

    with pytest.raises(LockLost):
        await frozen.take_over(Freezing(export, {}))
    await export.release()
    assert await standing(other) == await standing(source)
    for store in (source, frozen, other):
        await store.close()


async def test_an_object_that_is_gone_does_not_stop_the_others(
    folders: MakeMovingStore, database_url: str, objects_settings: ObjectSettings
) -> None:
    source = ClusterStore(ClusterSettings(database_url, objects=objects_settings))
    target = folders()
    await put(source, ALICE, letter("1"), letter("2", 300_000), letter("3", 300_000))
    objects = Objects(objects_settings)
    stored = [entry.identifier async for entry in objects.all()]
    await objects.remove(stored[:1])
    moved = await move(source, target)
    ((_, why),) = moved.failed
    assert why == f"object {stored[0]} is missing from {objects.name}"
    assert moved.messages == len(await target.listing(ALICE)) == 2
    await objects.close()
    for store in (source, target):
        await store.close()


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM bodies WHERE seq = 1",
        "UPDATE bodies SET data = 'x' WHERE seq = 1",
        "UPDATE messages SET stored = stored + 1 WHERE object IS NOT NULL",
    ],
)
async def test_what_repair_took_away_there_stays_here(
    postgres: PostgresServer, database_url: str, objects_settings: ObjectSettings, damage: str
) -> None:
    source = ClusterStore(ClusterSettings(database_url, objects=objects_settings))
    target = MemoryStore()
    mail = [letter("1"), letter("2", 300_000), letter("3")]
    await put(source, ALICE, *mail)
    await move(source, target)
    postgres.run(damage, database_url.rpartition("/")[2])
    (finding,) = await source.check(ALICE, repair=True)
    assert finding.repaired
    assert len(await source.listing(ALICE)) == 2
    assert (await move(source, target)).removed == 0
    assert await seen_next(target, ALICE) == [message.data for message in mail]
    await source.close()


async def test_a_round_trip_ends_where_it_began(
    folders: MakeMovingStore, clusters: MakeMovingStore
) -> None:
    first, cluster, last = folders(), clusters(), folders()
    await put(first, ALICE, letter("1"), letter("2", 400_000))
    await first.add_view(ALICE, "phone")
    await move(first, cluster)
    await move(cluster, last)
    assert await standing(last) == await standing(first)
    stores: tuple[MovingEngine, ...] = (first, cluster, last)
    for store in stores:
        assert await store.check() == []
        await store.close()


@pytest.mark.long
async def test_a_hundred_thousand_messages_and_back(
    folders: MakeMovingStore, clusters: MakeMovingStore
) -> None:
    first, cluster, last = folders(), clusters(), folders()
    await fill(first)
    await move(first, cluster)
    assert (await move(first, cluster)).messages == 0
    await move(cluster, last)
    assert await standing(last) == await standing(first)
    for store in (first, cluster, last):
        assert await store.check() == []
        await store.close()
