"""Bodies in a real object store: whole, in pieces, out of order, and when it is not there."""

from __future__ import annotations

import asyncio
import os
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
import uvloop

from pillarbox.contracts.errors import BodyDamaged, StoreUnavailable
from pillarbox.contracts.store import BodyStream
from pillarbox.resuming import rest_of
from pillarbox.store.cluster import objects as module
from pillarbox.store.cluster.object_stream import PIECE, STRETCH
from pillarbox.store.cluster.objects import Objects, ObjectSettings
from tests.cluster.seaweedfs import ACCESS_KEY, SECRET_KEY, SeaweedFs

SIZES = [0, 1, PIECE - 1, PIECE, PIECE + 1, STRETCH + PIECE, STRETCH + PIECE + 1, 3 * STRETCH - 7]
LARGE = 24 * 1024 * 1024


@pytest.fixture
async def objects(objects_settings: ObjectSettings) -> AsyncIterator[Objects]:
    objects = Objects(objects_settings)
    yield objects
    await objects.close()


async def _read(stream: BodyStream) -> bytes:
    pieces = [piece async for piece in stream]
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


async def _kept(objects: Objects, size: int) -> tuple[UUID, bytes]:
    identifier, data = uuid4(), os.urandom(size)
    await objects.put(identifier, data)
    return identifier, data


@pytest.mark.parametrize("size", SIZES)
async def test_a_body_comes_back_as_it_was(objects: Objects, size: int) -> None:
    identifier, data = await _kept(objects, size)
    assert await _read(await objects.open(identifier, size)) == data
    assert await objects.size_of(identifier) == size


async def test_all_are_listed_in_order(objects: Objects) -> None:
    kept = sorted([(await _kept(objects, size))[0] for size in range(1, 20)])
    await objects.probe()  # leaves something that is no body
    listed = [entry async for entry in objects.all()]
    assert [entry.identifier for entry in listed] == kept
    assert sorted(entry.size for entry in listed) == list(range(1, 20))
    await objects.remove([*kept[3:], uuid4()])
    assert [entry.identifier async for entry in objects.all()] == kept[:3]


async def test_more_objects_than_a_page_are_listed(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    kept = sorted([(await _kept(objects, 1))[0] for _ in range(10)])
    assert [entry.identifier async for entry in objects.all()] == kept


async def test_an_empty_place_lists_nothing(objects: Objects) -> None:
    assert [entry async for entry in objects.all()] == []


async def test_a_bucket_may_be_for_bodies_alone(objects_settings: ObjectSettings) -> None:
    objects = Objects(replace(objects_settings, url="s3://bare"))
    identifier, data = await _kept(objects, 10)
    assert await _read(await objects.open(identifier, 10)) == data
    assert [entry.identifier async for entry in objects.all()] == [identifier]
    await objects.remove([identifier])


_FORKING = """
import asyncio, os, sys, uuid
from pillarbox.store.cluster.objects import Objects, ObjectSettings
url, endpoint, access_key, secret_key = sys.argv[1:]
objects = Objects(ObjectSettings(
    url, endpoint=endpoint, access_key=access_key, secret_key=secret_key
))
workers = []
for number in range(2):
    worker = os.fork()
    if not worker:
        asyncio.run(objects.put(uuid.uuid4(), b"of a worker"))
        os._exit(0)
    workers.append(worker)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers))
"""


async def test_what_was_made_before_a_fork_works_in_each_worker(
    objects: Objects, objects_settings: ObjectSettings
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _FORKING, objects_settings.url),
        *(str(objects_settings.endpoint), ACCESS_KEY, SECRET_KEY),
    )
    assert await process.wait() == 0
    assert [entry.size async for entry in objects.all()] == [len(b"of a worker")] * 2


async def test_what_is_set_aside_is_no_body_any_more(objects: Objects) -> None:
    identifier, _ = await _kept(objects, 10)
    assert identifier.hex in await objects.set_aside(identifier)
    assert await objects.size_of(identifier) is None
    assert [entry async for entry in objects.all()] == []


async def test_what_is_not_there_may_come_back(objects: Objects) -> None:
    identifier = uuid4()
    with pytest.raises(StoreUnavailable, match=str(identifier.hex)) as caught:
        await objects.open(identifier, 100_000)
    assert caught.value.temporary
    assert await objects.size_of(identifier) is None


@pytest.mark.parametrize("listed", [1, 99_999, 100_001, PIECE + 1])
async def test_a_body_of_another_size_is_damaged(objects: Objects, listed: int) -> None:
    identifier, _ = await _kept(objects, 100_000)
    with pytest.raises(BodyDamaged, match="100000 bytes"):
        await objects.open(identifier, listed)


async def test_a_body_that_goes_while_it_is_read_breaks_off(objects: Objects) -> None:
    identifier, data = await _kept(objects, 2 * STRETCH)
    stream = await objects.open(identifier, len(data))
    assert await anext(stream) == data[:PIECE]
    await objects.remove([identifier])
    with pytest.raises(BodyDamaged, match=f"broke off at {PIECE} bytes"):
        await anext(stream)


async def test_a_stream_that_was_closed_does_not_end_as_if_it_were_whole(objects: Objects) -> None:
    identifier, data = await _kept(objects, 2 * STRETCH)
    stream = await objects.open(identifier, len(data))
    await stream.aclose()
    await stream.aclose()
    with pytest.raises(BodyDamaged):
        await anext(stream)


async def test_a_bucket_that_is_not_there_is_not_an_object_that_is_not_there(
    objects_settings: ObjectSettings,
) -> None:
    objects = Objects(replace(objects_settings, url="s3://elsewhere/1"))
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        await objects.size_of(uuid4())


async def test_a_wrong_key_is_a_fault_of_the_store_and_not_told(
    objects_settings: ObjectSettings,
) -> None:
    assert SECRET_KEY not in repr(objects_settings)
    objects = Objects(replace(objects_settings, secret_key="not the secret"))
    with pytest.raises(StoreUnavailable, match="SignatureDoesNotMatch") as caught:
        await objects.put(uuid4(), b"x")
    assert caught.value.temporary
    assert "\n" not in str(caught.value)
    assert "not the secret" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [{"authority": b""}, {"access_key": "post\n"}, {"endpoint": "http://127.0.0.1:8333\n"}]
)
async def test_what_its_library_cannot_use_is_a_fault_of_the_store(
    objects_settings: ObjectSettings, wrong: dict[str, str | bytes]
) -> None:
    objects = Objects(replace(objects_settings, **wrong))  # type: ignore[arg-type]
    for request in (objects.probe(), objects.owner(), objects.size_of(uuid4()), _all(objects)):
        with pytest.raises(StoreUnavailable) as caught:
            await request
        assert SECRET_KEY not in str(caught.value)


async def _all(objects: Objects) -> None:
    async for _ in objects.all():
        pass


async def test_many_slow_clients_hold_pieces_and_not_stretches(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WHOLE_STRETCHES", 1)
    identifier, data = await _kept(objects, 2 * STRETCH)
    first = await objects.open(identifier, len(data))
    asked: list[int] = []
    read = first._read

    async def watched(start: int, end: int) -> memoryview:
        asked.append(end - start)
        return await read(start, end)

    first._read = watched
    for _ in range(2):  # what was there already, and a piece of the first stretch
        await anext(first)
    second = await objects.open(identifier, len(data))
    for _ in range(4):  # what is left of the first stretch, and one of those after it
        await anext(first)
    del second
    assert len([piece async for piece in first]) == 2
    assert asked == [STRETCH, PIECE, 2 * PIECE]


async def test_a_certificate_counts_whose_authority_is_known(
    seaweedfs: SeaweedFs, objects_settings: ObjectSettings
) -> None:
    with seaweedfs.gateway_with_tls() as (endpoint, authority):
        settings = replace(objects_settings, endpoint=endpoint)
        identifier, data = await _kept(Objects(replace(settings, authority=authority)), 1000)
        with pytest.raises(StoreUnavailable, match="Connect"):
            await Objects(settings).open(identifier, len(data))


async def test_a_gateway_that_is_gone_comes_back(seaweedfs: SeaweedFs, objects: Objects) -> None:
    identifier, data = await _kept(objects, 2 * STRETCH)
    with seaweedfs.gateway.gone():
        for attempt in (objects.put(uuid4(), b"x"), objects.open(identifier, 5), objects.probe()):
            with pytest.raises(StoreUnavailable, match=objects.name) as caught:
                await attempt
            assert caught.value.temporary
    await seaweedfs.wait_until_it_takes_objects()
    assert await _read(await objects.open(identifier, len(data))) == data


async def test_a_long_read_outlives_the_restart_of_a_gateway(
    seaweedfs: SeaweedFs, objects: Objects
) -> None:
    identifier, data = await _kept(objects, 2 * STRETCH)
    stream = await objects.open(identifier, len(data))
    first = await anext(stream)
    with seaweedfs.gateway.gone():
        pass
    assert first + await _read(stream) == data


async def test_a_gateway_that_hangs_holds_nobody_for_ever(
    seaweedfs: SeaweedFs, objects_settings: ObjectSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_SECONDS", 0.3)
    monkeypatch.setattr(module, "QUEUE_SECONDS", 0.1)
    monkeypatch.setattr(module, "AT_ONCE", 2)
    objects = Objects(objects_settings)
    with seaweedfs.gateway.hanging():
        asked = [objects.open(uuid4(), 5) for _ in range(3)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    assert "not answered" in str(outcomes[2])
    answers = False
    while not answers:  # so short a time may be over before it has woken up
        with suppress(StoreUnavailable):
            await objects.probe()
            answers = True


@pytest.mark.parametrize("number", range(3))
async def test_a_volume_server_may_die(seaweedfs: SeaweedFs, objects: Objects, number: int) -> None:
    before = [await _kept(objects, 100_000) for _ in range(10)]
    with seaweedfs.volumes[number].gone():
        after = [await _kept(objects, 100_000) for _ in range(10)]
        for identifier, data in before + after:
            assert await _read(await objects.open(identifier, len(data))) == data
    for identifier, data in before + after:
        assert await _read(await objects.open(identifier, len(data))) == data


async def test_a_delivery_that_is_cancelled_leaves_the_store_usable(
    seaweedfs: SeaweedFs, objects: Objects
) -> None:
    identifier = uuid4()
    with seaweedfs.gateway.hanging():
        upload = asyncio.ensure_future(objects.put(identifier, bytes(1000)))
        await asyncio.sleep(0)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
    await objects.put(identifier, b"again")
    assert await objects.size_of(identifier) in {5, 1000}


async def test_a_closed_store_asks_nothing(objects: Objects) -> None:
    await objects.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await objects.probe()


async def test_a_large_body_needs_no_second_copy_of_it(objects: Objects) -> None:
    identifier, data = uuid4(), os.urandom(1024) * (LARGE // 1024)
    await objects.put(uuid4(), data[:1])
    before = _resident_octets()
    peak = before
    upload = asyncio.ensure_future(objects.put(identifier, data))
    while not upload.done():
        await asyncio.wait([upload], timeout=0.01)
        peak = max(peak, _resident_octets())
    await upload
    checksum = 0
    async for piece in await objects.open(identifier, len(data)):
        checksum = zlib.crc32(piece, checksum)
        peak = max(peak, _resident_octets())
    assert checksum == zlib.crc32(data)
    assert peak - before < 10 * STRETCH


def _resident_octets() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 -- read very often
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_another_event_loop_does_as_well(objects_settings: ObjectSettings) -> None:
    async def there_and_back() -> None:
        objects = Objects(objects_settings)
        identifier, data = await _kept(objects, STRETCH)
        assert await _read(await objects.open(identifier, len(data))) == data

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(there_and_back())


async def test_asking_needs_no_task(objects: Objects) -> None:
    identifier, _ = await _kept(objects, 10)
    attempt = objects.open(identifier, 10)
    awaited: list[object] = []

    def step() -> None:
        assert asyncio.current_task() is None
        awaited.append(attempt.send(None))

    asyncio.get_running_loop().call_soon(step)
    await asyncio.sleep(0)
    stream = await rest_of(attempt, awaited[0])
    assert len(await anext(stream)) == 10


@pytest.mark.parametrize(
    "url", ["", "mail", "https://mail", "s3:///x", "s3://u:p@mail", "s3://mail?x", "s3://mail:1/x"]
)
def test_what_names_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="bucket"):
        ObjectSettings(url)


def test_an_endpoint_is_an_address() -> None:
    with pytest.raises(ValueError, match="https://"):
        ObjectSettings("s3://mail", endpoint="localhost:8333")
    settings = ObjectSettings("s3://mail/a/b/", endpoint="https://localhost:8333")
    assert (settings.bucket, settings.prefix) == ("mail", "a/b")
