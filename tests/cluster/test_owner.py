"""Bodies are removed only by the cluster whose they are, and by no copy of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.model import Recipient
from pillarbox.store.cluster import owner
from pillarbox.store.cluster.check import check
from pillarbox.store.cluster.collector import Collector
from pillarbox.store.cluster.engine import ClusterStore
from pillarbox.store.cluster.objects import Objects, ObjectSettings
from pillarbox.store.cluster.owner import NotOurs, adopt, problem_of, take_turn
from pillarbox.store.cluster.settings import ClusterSettings
from pillarbox.store.cluster.tables import Tables
from pillarbox.wire.canonical import stored_form

LARGE = stored_form(b"Subject: large\r\n\r\n" + b"x" * 70_000 + b"\r\n")


class Cluster:
    """A post office with one large message, and what is the trouble with it."""

    def __init__(self, url: str, settings: ObjectSettings) -> None:
        self.store = ClusterStore(ClusterSettings(url, objects=settings))
        self.tables = Tables(self.store.database)
        self.objects = Objects(settings)

    async def begin(self) -> None:
        await take_turn(self.tables, self.objects)
        assert await self.store.deliver(LARGE, [Recipient("alice")]) == [None]

    async def removes(self) -> int:
        await self.store.remove("alice")
        return await Collector(self.store.database, self.objects, grace=0).collect()

    async def bodies(self) -> list[UUID]:
        return [each.identifier async for each in self.objects.all()]

    async def close(self) -> None:
        await self.objects.close()
        await self.store.close()


@pytest.fixture
async def cluster(database_url: str, objects_settings: ObjectSettings) -> AsyncIterator[Cluster]:
    cluster = Cluster(database_url, objects_settings)
    await cluster.begin()
    yield cluster
    await cluster.close()


@pytest.fixture
async def other(
    new_database: Callable[[], str], objects_settings: ObjectSettings
) -> AsyncIterator[Cluster]:
    """Its database has just been made; it has the same prefix, by mistake."""
    other = Cluster(new_database(), objects_settings)
    yield other
    await other.close()


async def test_the_cluster_whose_it_is_removes_bodies(cluster: Cluster) -> None:
    await take_turn(cluster.tables, cluster.objects)
    assert len(await cluster.bodies()) == 1
    assert await cluster.removes() == 1
    assert await cluster.bodies() == []


async def test_two_clusters_by_mistake_with_one_prefix(cluster: Cluster, other: Cluster) -> None:
    await other.tables.change("UPDATE cluster_identity SET id = $1", uuid4())
    before = await cluster.bodies()
    with pytest.raises(NotOurs, match="belongs to another cluster"):
        await take_turn(other.tables, other.objects)
    for repair in (False, True):
        (finding,) = await check(other.tables, other.objects, None, repair=repair)
        assert "belongs to another cluster" in finding.problem
        assert not finding.repaired
    assert await other.store.deliver(LARGE, [Recipient("alice")]) == [None]
    with pytest.raises(NotOurs):
        await other.removes()
    assert set(before) < set(await cluster.bodies())
    assert await problem_of(cluster.tables, cluster.objects) is None


async def test_an_old_copy_of_the_database_removes_nothing(
    cluster: Cluster, other: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    await other.tables.change(
        "UPDATE cluster_identity SET turn = 1, turned_at = now() - INTERVAL '1 day'"
    )
    monkeypatch.setattr(owner, "TURN_SECONDS", 0)
    await take_turn(cluster.tables, cluster.objects)
    assert await other.store.deliver(LARGE, [Recipient("alice")]) == [None]
    with pytest.raises(NotOurs, match="is a copy or was put back"):
        await take_turn(other.tables, other.objects)
    with pytest.raises(NotOurs):
        await other.removes()
    await adopt(other.tables, other.objects)  # it was put back from a backup
    await take_turn(other.tables, other.objects)
    with pytest.raises(NotOurs, match="is a copy or was put back"):
        await take_turn(cluster.tables, cluster.objects)


async def test_another_prefix_is_not_believed_when_it_has_a_body(
    cluster: Cluster, objects_settings: ObjectSettings
) -> None:
    wrong = Objects(replace(objects_settings, url=f"{objects_settings.url}-wrong"))
    await wrong.put(uuid4(), b"a body that came meanwhile")
    (finding,) = await check(cluster.tables, wrong, "alice", repair=True)
    assert "it is another place" in finding.problem
    assert not finding.repaired
    with pytest.raises(NotOurs, match="it is another place"):
        await take_turn(cluster.tables, wrong)
    assert len(await cluster.store.listing("alice")) == 1
    await wrong.close()


async def test_who_dies_while_he_marks_the_place_locks_nobody_out(
    database_url: str, objects_settings: ObjectSettings
) -> None:
    cluster = Cluster(database_url, objects_settings)
    await take_turn(cluster.tables, cluster.objects)
    await cluster.tables.change("UPDATE cluster_identity SET turn = turn + 1")  # and died
    await take_turn(cluster.tables, cluster.objects)
    await cluster.tables.change("UPDATE cluster_identity SET turn = 0")  # or before that
    await cluster.objects.mark(owner.Mark(*(await cluster.tables.ask(owner._OURS))[0]).text)
    await take_turn(cluster.tables, cluster.objects)
    await cluster.close()


async def test_an_owner_that_is_none_is_told(cluster: Cluster) -> None:
    await cluster.objects.mark(b"Pillarbox")
    with pytest.raises(NotOurs, match="no mark of a cluster"):
        await take_turn(cluster.tables, cluster.objects)


async def test_a_database_is_one_cluster_and_one_that_is_none_can_be_made_one(
    cluster: Cluster,
) -> None:
    """As after ``cluster migrate`` and a restore of the data alone."""
    with pytest.raises(StoreUnavailable, match="cluster_identity"):
        await cluster.tables.change("INSERT INTO cluster_identity DEFAULT VALUES")
    await cluster.tables.change("DELETE FROM cluster_identity")
    with pytest.raises(NotOurs, match="cluster adopt"):
        await cluster.removes()
    await adopt(cluster.tables, cluster.objects)
    assert await problem_of(cluster.tables, cluster.objects) is None
