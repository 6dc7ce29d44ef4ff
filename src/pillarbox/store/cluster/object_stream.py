"""A large body, read piece by piece from the object store.

Each stretch of it is a request of its own, so a client that reads slowly, or stops, holds no
connection to the store (which would cut it off), nothing has to be ended when it goes, and a
stretch that could not be read is asked for again: a long RETR outlives the restart of a gateway.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pillarbox.contracts.errors import BodyDamaged, StoreUnavailable

PIECE = 256 * 1024
STRETCH = 1024 * 1024
"""Asked for at once, while few are read: what a session may hold of a body. `experiments/objects.md` has what smaller and
larger ones cost."""

_NOTHING = memoryview(b"")
"""A part of a stretch keeps all of it, even if nothing is left."""

Read = Callable[[int, int], Awaitable[memoryview]]
"""The bytes from one place to another; raises StoreUnavailable."""


class ObjectStream:
    """Implements :class:`~pillarbox.contracts.store.BodyStream` on an object."""

    __slots__ = ("__weakref__", "_at", "_left", "_length", "_name", "_read", "_size")

    def __init__(
        self, name: str, size: int, first: memoryview, read: Read, length: Callable[[], int]
    ) -> None:
        """*first* is what has been read already of the *size* bytes; *name* is for an operator; *length*
        says how much may be asked for at once now.
        """
        self._name = name
        self._size = size
        self._left: memoryview | None = first
        self._read = read
        self._length = length
        self._at = 0

    def __aiter__(self) -> ObjectStream:
        return self

    async def __anext__(self) -> bytes:
        if self._at == self._size:
            raise StopAsyncIteration
        if self._left is None:
            raise BodyDamaged(f"{self._name} was closed before its end")
        left = self._left or await self._stretch()
        piece = bytes(left[:PIECE])
        self._left = left[PIECE:] or _NOTHING
        self._at += len(piece)
        return piece

    async def aclose(self) -> None:
        self._left = None

    async def _stretch(self) -> memoryview:
        end = min(self._at + self._length(), self._size)
        try:
            stretch = await self._read(self._at, end)
        except StoreUnavailable as error:
            raise BodyDamaged(f"{self._name} broke off at {self._at} bytes: {error}") from error
        if len(stretch) != end - self._at:
            raise BodyDamaged(
                f"{self._name} ends at {self._at + len(stretch)} of {self._size} bytes"
            )
        return stretch
