"""The bodies that come, in batches: no more is in memory at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from pillarbox.contracts.errors import BodyDamaged, StoreUnavailable
from pillarbox.contracts.store import Body
from pillarbox.contracts.transfer import Export, MovedMessage
from pillarbox.store.moving.landing import Coming

BATCH_MESSAGES = 256
BATCH_BYTES = 4 * 1024 * 1024
AT_ONCE = 16
"""Bodies that are read at once: a source may be a round trip away."""


async def collected(export: Export, batch: Sequence[int], failed: dict[int, str]) -> list[Coming]:
    """The messages of a batch; those that cannot be read are added to *failed*."""
    coming = []
    for first in range(0, len(batch), AT_ONCE):
        some = batch[first : first + AT_ONCE]
        for place, found in zip(some, await _read(export, some), strict=True):
            if isinstance(found, BodyDamaged):
                failed[place] = str(found)
            else:
                coming.append(Coming(export.messages[place], found))
    return coming


def batches(messages: Sequence[MovedMessage], places: Sequence[int]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for place in places:
        stored = messages[place].stored
        if batch and (len(batch) == BATCH_MESSAGES or size + stored > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(place)
        size += stored
    if batch:
        yield batch


async def _read(export: Export, places: Sequence[int]) -> list[bytes | BodyDamaged]:
    if len(places) == 1:
        return [await _data(export, places[0])]
    try:
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(_data(export, place)) for place in places]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in reading]


async def _data(export: Export, place: int) -> bytes | BodyDamaged:
    """The stored form of a message, whole.

    Raises:
        StoreUnavailable: the storage is away, also where that began within the body.
    """
    message = export.messages[place]
    try:
        data = await _whole(await export.body(place))
    except BodyDamaged as error:
        if isinstance(error.__cause__, StoreUnavailable):  # nothing is wrong with the message
            raise error.__cause__ from None
        return error
    if len(data) != message.stored:
        return BodyDamaged(f"it has {len(data)} bytes, not {message.stored}")
    return data


async def _whole(body: Body) -> bytes:
    if isinstance(body.content, bytes):
        return body.content
    data = bytearray()
    try:
        async for piece in body.content:
            data += piece
    finally:
        await body.content.aclose()
    return bytes(data)
