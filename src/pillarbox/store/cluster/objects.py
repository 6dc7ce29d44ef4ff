"""Bodies in an S3-compatible object store.

An object is written once, under an identifier that is never used again, and never changed: so there is
nothing to be read that is half old and half new, whatever the store's consistency. It lies
under ``prefix/abc/abcdef….``: identifiers are random, so their first digits spread over 4,096 folders, for
stores that keep folders, and all are listed in the order of their identifiers.

Whatever is asked is bounded in time by the library, which also tries again what failed; so a store
that hangs makes a session wait for :data:`READ_SECONDS` or two, and no longer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from uuid import UUID
from weakref import WeakSet

import obstore
from obstore.store import S3Store

from pillarbox.contracts.errors import BodyDamaged, StoreUnavailable
from pillarbox.store.cluster.object_faults import FAULTS, is_no_such_key, unavailable
from pillarbox.store.cluster.object_settings import ObjectSettings
from pillarbox.store.cluster.object_stream import PIECE, STRETCH, ObjectStream

if TYPE_CHECKING:
    from obstore import ListStream, ObjectMeta
    from obstore.store import ClientConfig, S3Config

__all__ = ["ObjectSettings", "Objects", "StoredObject"]

CONNECT_SECONDS = 3.0
"""A store that does not take a connection in this time is away."""
READ_SECONDS = 10.0
"""For a request that moves a stretch of a body, at the most, or none."""
WRITE_SECONDS = 60.0
"""For an upload, whole (50 MB at 1 MB a second), and for what takes a store about as long."""
RETRIES = 3
"""Of a request that failed for a reason that may pass."""
RETRY_SECONDS = 5.0
"""So long after a request was begun it may be tried again."""
AT_ONCE = 128
"""Requests of one process: each is a connection, hence an open file."""
WHOLE_STRETCHES = 64
"""So many bodies that are read at the same time are read by whole stretches, all above them by
pieces: a slow client holds what was read until he has taken it."""
QUEUE_SECONDS = 10.0
"""So long a request waits for its turn: then they are all stuck."""
PAGE = 1000
"""Objects listed by one request, the most that S3 gives."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=0.05), timedelta(seconds=1)
"""Between two tries."""
_FOLDER = 3
"""Digits."""
_KEY = re.compile(rf"([0-9a-f]{{{_FOLDER}}})/(?=\1)([0-9a-f]{{32}})")
_PROBE = "probe"
_PROBE_DATA = b"Pillarbox can write here.\r\n"
_LOST = "lost"
_OWNER = "owner"

T = TypeVar("T")


class StoredObject(NamedTuple):
    """What a listing says of one object."""

    identifier: UUID
    size: int
    """Bytes."""
    modified: datetime
    """By the object store's clock."""


class Objects:
    """All bodies of one place.

    May be made before a process forks, but is used only afterwards: the library has threads. All methods
    may be called outside a task (see :mod:`pillarbox.contracts.store`), and raise StoreUnavailable
    (temporary) if the store cannot do it now.
    """

    def __init__(self, settings: ObjectSettings) -> None:
        self._settings = settings
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._streams: WeakSet[ObjectStream] = WeakSet()
        self._closed = False

    @property
    def name(self) -> str:
        """For an operator: where it is."""
        return self._settings.name

    async def put(self, identifier: UUID, data: bytes) -> None:
        """Upload *data*, all of it or nothing, without copying it; returns when it is as durable as
        the store makes it.
        """
        await self._ask(
            lambda: obstore.put_async(self._slow, _key(identifier), data, use_multipart=False)
        )

    async def open(self, identifier: UUID, stored: int) -> ObjectStream:
        """The body of *stored* bytes, whose first piece has been read.

        Raises:
            BodyDamaged: it has another size.
            StoreUnavailable: it cannot be read now, or is not there.
        """
        size, first = await self._first(identifier, stored)
        name = f"object {identifier} of {self.name}"
        if size != stored or len(first) != min(stored, PIECE):
            raise BodyDamaged(f"{name} has {size} bytes, the index says {stored}")

        async def read(start: int, end: int) -> memoryview:
            return await self._range(identifier, start, end)

        stream = ObjectStream(name, stored, first, read, self._stretch)
        self._streams.add(stream)
        return stream

    async def size_of(self, identifier: UUID) -> int | None:
        """Bytes; None: it is not there."""
        try:
            return (await self._request(lambda: obstore.head_async(self._quick, _key(identifier))))[
                "size"
            ]
        except FileNotFoundError:
            return await self._size_or_why_not(identifier)
        except FAULTS as error:
            raise unavailable(self.name, error) from error

    async def remove(self, identifiers: Collection[UUID]) -> None:
        """Remove these; of those that are not there is nothing to do."""
        keys = [_key(identifier) for identifier in identifiers]
        await self._ask(lambda: obstore.delete_async(self._slow, keys))

    async def set_aside(self, identifier: UUID) -> str:
        """Move an object out of the way; where it is now."""
        aside = f"{_LOST}/{identifier.hex}"
        await self._ask(lambda: obstore.rename_async(self._slow, _key(identifier), aside))
        return aside

    async def all(self) -> AsyncGenerator[StoredObject, None]:
        """All bodies, in the order of their identifiers. (Other objects are none of ours.)"""

        async def begun() -> ListStream[Sequence[ObjectMeta]]:
            return obstore.list(self._quick, chunk_size=PAGE)

        pages = await self._ask(begun)
        while page := await self._ask(lambda: anext(pages, None)):
            for entry in page:
                key = _KEY.fullmatch(entry["path"])
                if key is not None:
                    yield StoredObject(UUID(key[2]), entry["size"], entry["last_modified"])

    async def probe(self) -> None:
        """Check that bodies can be written and read now."""
        await self._ask(
            lambda: obstore.put_async(self._quick, _PROBE, _PROBE_DATA, use_multipart=False)
        )
        await self._ask(lambda: obstore.get_range_async(self._quick, _PROBE, start=0, length=1))

    async def owner(self) -> bytes | None:
        """The mark that says whose all this is (see :mod:`.owner`); None: nobody's."""

        async def read() -> bytes:
            return bytes(await (await obstore.get_async(self._quick, _OWNER)).bytes_async())

        try:
            return await self._request(read)
        except FAULTS as error:
            if is_no_such_key(error):
                return None
            raise unavailable(self.name, error) from error

    async def mark(self, text: bytes) -> None:
        """Write that mark."""
        await self._ask(lambda: obstore.put_async(self._quick, _OWNER, text, use_multipart=False))

    async def close(self) -> None:
        """No request is made any more."""
        self._closed = True

    async def _first(self, identifier: UUID, stored: int) -> tuple[int, memoryview]:
        """How many bytes it has, and the first of them."""
        if not stored:  # no range of it can be asked for
            return await self.size_of(identifier) or 0, memoryview(b"")

        async def read() -> tuple[int, memoryview]:
            found = await obstore.get_async(
                self._quick, _key(identifier), options={"range": (0, min(stored, PIECE))}
            )
            return found.meta["size"], memoryview(await found.bytes_async())

        return await self._ask(read)

    def _stretch(self) -> int:
        """Octets that a stream asks for at once."""
        return STRETCH if len(self._streams) <= WHOLE_STRETCHES else PIECE

    async def _range(self, identifier: UUID, start: int, end: int) -> memoryview:
        key = _key(identifier)
        return memoryview(
            await self._ask(lambda: obstore.get_range_async(self._quick, key, start=start, end=end))
        )

    async def _size_or_why_not(self, identifier: UUID) -> int | None:
        """Whether it is the object that is not there, or the bucket: the answer to HEAD does not say."""
        try:
            found = await self._request(lambda: obstore.get_async(self._quick, _key(identifier)))
        except FAULTS as error:
            if is_no_such_key(error):
                return None
            raise unavailable(self.name, error) from error
        return found.meta["size"]

    async def _ask(self, request: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._request(request)
        except FAULTS as error:
            raise unavailable(self.name, error) from error

    async def _request(self, request: Callable[[], Awaitable[T]]) -> T:
        """When it is its turn."""
        if self._closed:
            raise StoreUnavailable(f"object store {self.name} has been closed", temporary=True)
        if self._turns.locked():
            await self._wait()
        else:
            await self._turns.acquire()
        try:
            return await request()
        except FAULTS:
            raise
        except Exception as error:
            # Its library panics, or has a ValueError, at a key or a certificate that it cannot use.
            raise unavailable(self.name, error) from error
        finally:
            self._turns.release()

    async def _wait(self) -> None:
        await asyncio.sleep(0)  # from here on there is a task, which time-outs need
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise StoreUnavailable(
                f"object store {self.name}: {AT_ONCE} requests are not answered", temporary=True
            ) from None

    @cached_property
    def _quick(self) -> S3Store:
        return _store(self._settings, READ_SECONDS)

    @cached_property
    def _slow(self) -> S3Store:
        return _store(self._settings, WRITE_SECONDS)


def _key(identifier: UUID) -> str:
    return f"{identifier.hex[:_FOLDER]}/{identifier.hex}"


def _store(settings: ObjectSettings, seconds: float) -> S3Store:
    """*settings*, and how long a request may take."""
    config: S3Config = {
        "region": settings.region,
        "virtual_hosted_style_request": settings.endpoint is None,
    }
    client: ClientConfig = {
        "allow_http": True,  # which an operator can only have said in so many words
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
        "timeout": timedelta(seconds=seconds),
        "user_agent": "pillarbox",
    }
    if settings.endpoint is not None:
        config["endpoint"] = settings.endpoint
    if settings.access_key is not None:
        config["access_key_id"] = settings.access_key
    if settings.secret_key is not None:
        config["secret_access_key"] = settings.secret_key
    if settings.authority is not None:
        client["root_certificate"] = settings.authority
    return S3Store(
        settings.bucket,
        prefix=settings.prefix or None,
        config=config,
        client_options=client,
        retry_config={
            "max_retries": RETRIES,
            "retry_timeout": timedelta(seconds=RETRY_SECONDS),
            "backoff": {"init_backoff": _FIRST_PAUSE, "max_backoff": _LONGEST_PAUSE, "base": 2},
        },
    )
