"""A large body that is there whole, given piece by piece: for engines that have nothing to read it from
meanwhile.
"""

from __future__ import annotations

from pillarbox.contracts.errors import BodyDamaged

LARGE_BODY = 256 * 1024
"""Stored bytes above which a body is given in pieces, of this size."""


class Whole:
    """Implements :class:`~pillarbox.contracts.store.BodyStream`."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data: bytes | None = data
        self._at = 0

    def __aiter__(self) -> Whole:
        return self

    async def __anext__(self) -> bytes:
        if self._data is None:
            raise BodyDamaged("the stream has been closed")
        piece = self._data[self._at : self._at + LARGE_BODY]
        if not piece:
            raise StopAsyncIteration
        self._at += len(piece)
        return piece

    async def aclose(self) -> None:
        self._data = None
