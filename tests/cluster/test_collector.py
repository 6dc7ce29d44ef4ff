"""Objects that nobody refers to go, and no other does, whoever dies when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from uuid import UUID, uuid4

import pytest
import structlog.testing

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.database import Database, Transaction
from pillarbox.store.cluster import collector as module
from pillarbox.store.cluster.collector import GRACE_SECONDS, Collector
from pillarbox.store.cluster.objects import Objects, ObjectSettings
from tests.cluster.seaweedfs import SeaweedFs


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def objects(objects_settings: ObjectSettings) -> AsyncIterator[Objects]:
    objects = Objects(objects_settings)
    yield objects
    await objects.close()


async def _kept(database: Database, objects: Objects, refs: int, age: float = 0) -> UUID:
    identifier = uuid4()
    await database.change(
        "INSERT INTO objects (id, refs, touched_at)"
        " VALUES ($1, $2, now() - $3::FLOAT8 * INTERVAL '1 second')",
        *(identifier, refs, age),
    )
    await objects.put(identifier, b"a body")
    return identifier


async def _left(database: Database, objects: Objects) -> tuple[list[UUID], list[UUID]]:
    """What there is, by the rows and by the objects."""
    rows = await database.fetch("SELECT id FROM objects ORDER BY id")
    return [row[0] for row in rows], [each.identifier async for each in objects.all()]


async def test_only_what_has_long_been_nobodys_goes(database: Database, objects: Objects) -> None:
    await _kept(database, objects, 0, GRACE_SECONDS + 1)
    kept = [
        await _kept(database, objects, 0, GRACE_SECONDS - 60),
        await _kept(database, objects, 1, 10 * GRACE_SECONDS),
    ]
    assert await Collector(database, objects).collect() == 1
    assert await _left(database, objects) == (sorted(kept), sorted(kept))


async def test_all_goes_however_many_there_are_and_whoever_collects(
    database: Database, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    for _ in range(20):
        await _kept(database, objects, 0)
    collectors = [Collector(database, objects, grace=0) for _ in range(3)]
    removed = await asyncio.gather(*(collector.collect() for collector in collectors))
    assert sum(removed) == 20
    assert await _left(database, objects) == ([], [])


class _Dying(Objects):
    """The process dies when it has removed the objects."""

    async def remove(self, identifiers: Collection[UUID]) -> None:
        await super().remove(identifiers)
        raise StoreUnavailable("killed", temporary=True)


async def test_what_a_collector_that_died_has_begun_is_done_by_another(
    database: Database, objects: Objects, objects_settings: ObjectSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await _kept(database, objects, 0)
    with pytest.raises(StoreUnavailable):
        await Collector(database, _Dying(objects_settings), grace=0).collect()
    assert await Collector(database, objects, grace=0).collect() == 0  # somebody else's, for now
    assert len((await _left(database, objects))[0]) == 1
    monkeypatch.setattr(module, "CLAIM_SECONDS", 0)
    assert await Collector(database, objects, grace=0).collect() == 1
    assert await _left(database, objects) == ([], [])


class _Watched(Objects):
    """Tells that it has failed several times."""

    def __init__(self, settings: ObjectSettings) -> None:
        super().__init__(settings)
        self.has_failed = asyncio.Event()
        self._failures = 0

    async def owner(self) -> bytes | None:
        try:
            return await super().owner()
        except StoreUnavailable:
            self._failures += 1
            if self._failures == 3:
                self.has_failed.set()
            raise


async def test_an_object_store_that_is_away_is_told_once_and_done_later(
    database: Database, objects: Objects, seaweedfs: SeaweedFs, objects_settings: ObjectSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(module, "CLAIM_SECONDS", 0)
    await _kept(database, objects, 0)
    watched = _Watched(objects_settings)
    with structlog.testing.capture_logs() as lines:
        with seaweedfs.gateway.gone():
            running = asyncio.create_task(Collector(database, watched, grace=0).run())
            await watched.has_failed.wait()
        await seaweedfs.wait_until_it_takes_objects()
        while (await _left(database, objects))[0]:
            pass
        running.cancel()
        await asyncio.wait([running])
    assert [line["log_level"] for line in lines].count("warning") == 1


class _Mistaken(Objects):
    """There is a mistake in the program, for as long as it is asked the first time."""

    has_failed = False

    async def owner(self) -> bytes | None:
        if not self.has_failed:
            self.has_failed = True
            raise TypeError("a mistake")
        return await super().owner()


async def test_a_mistake_ends_no_collector_and_is_told(
    database: Database, objects: Objects, objects_settings: ObjectSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.01)
    await _kept(database, objects, 0)
    with structlog.testing.capture_logs() as lines:
        collector = Collector(database, _Mistaken(objects_settings), grace=0)
        running = asyncio.create_task(collector.run())
        while (await _left(database, objects))[0]:
            pass
        running.cancel()
        await asyncio.wait([running])
    assert next(line["log_level"] for line in lines) == "error"


@pytest.mark.parametrize("with_objects", [False, True])
async def test_a_database_that_is_away_is_not_told_as_the_object_store(
    database: Database, objects: Objects, with_objects: bool
) -> None:
    await database.close()
    with structlog.testing.capture_logs() as lines:
        running = asyncio.create_task(Collector(database, objects if with_objects else None).run())
        while not lines:  # noqa: ASYNC110 -- a log wakes nobody
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
    (line,) = lines
    assert line["event"] == "what is over is not removed now"


async def test_whoever_would_refer_to_a_doomed_object_meets_the_collector(
    database: Database, objects: Objects
) -> None:
    """Both change the row: one of them begins again, and finds what the other has done."""
    identifier = await _kept(database, objects, 0)
    refer = "UPDATE objects SET refs = refs + 1 WHERE id = $1 AND doomed_at IS NULL RETURNING id"
    looked, go_on = asyncio.Event(), asyncio.Event()

    async def delivery() -> bool:
        async def work(transaction: Transaction) -> bool:
            await transaction.fetch("SELECT 1 FROM objects")  # its moment is fixed
            looked.set()
            await go_on.wait()
            return bool(await transaction.fetch(refer, identifier))

        return await database.transaction(work)

    delivering = asyncio.create_task(delivery())
    await looked.wait()
    assert await Collector(database, objects, grace=0).collect() == 1
    go_on.set()
    assert not await delivering


async def test_what_is_left_of_the_dead_goes_after_a_day(database: Database) -> None:
    alive, dead, buried = uuid4(), uuid4(), uuid4()
    for identifier, hours in ((alive, 1), (dead, -23), (buried, -25)):
        await database.change(
            "INSERT INTO processes (id, node, pid, alive_until)"
            " VALUES ($1, 'here', 1, now() + $2 * INTERVAL '1 hour')",
            *(identifier, hours),
        )
    assert await Collector(database, None).collect() == 0
    left = {row[0] for row in await database.fetch("SELECT id FROM processes")}
    assert left == {alive, dead}


async def test_tables_that_are_not_there_end_no_collector(database: Database) -> None:
    await database.change("DROP TABLE objects")
    with pytest.raises(StoreUnavailable, match="cluster migrate") as caught:
        await Collector(database, Objects(ObjectSettings("s3://mail"))).collect()
    assert not caught.value.temporary
