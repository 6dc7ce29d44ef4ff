"""Reading a large body piece by piece, without holding up the event loop for the disk.

A piece that is in the page cache is copied at once; only a piece that has to come from the
disk is fetched by a thread. Linux says which it is (``RWF_NOWAIT``); where the system or
the file system cannot say, the thread reads all of it.
"""

from __future__ import annotations

import asyncio
import errno
import os
from concurrent.futures import Executor
from pathlib import Path

from pillarbox.contracts.errors import BodyDamaged

PIECE = 128 * 1024

_NOWAIT: int = getattr(os, "RWF_NOWAIT", 0)
_CANNOT_SAY = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})

_scratch: list[bytearray] = []
"""One buffer for all streams of the process: it is used only between two awaits. Made when
first needed, as most worker processes never send a large body."""


class FileStream:
    """Implements :class:`~pillarbox.contracts.store.BodyStream` on an open file."""

    __slots__ = ("_at", "_busy", "_descriptor", "_executor", "_path", "_size")

    def __init__(self, path: Path, size: int, executor: Executor) -> None:
        """Open *path*, which must hold exactly *size* bytes.

        Raises:
            BodyDamaged: it is missing or has another size.
            OSError: it cannot be opened.
        """
        self._path = path
        self._size = size
        self._at = 0
        self._executor = executor
        self._busy: asyncio.Future[bytes] | None = None
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            raise BodyDamaged(f"body file {path} is missing") from None
        found = os.fstat(self._descriptor).st_size
        if found != size:
            self._close()
            raise BodyDamaged(f"body file {path} has {found} bytes, the index says {size}")

    def __aiter__(self) -> FileStream:
        return self

    async def __anext__(self) -> bytes:
        wanted = min(PIECE, self._size - self._at)
        if not wanted:
            raise StopAsyncIteration
        if self._descriptor < 0:
            raise BodyDamaged(f"body file {self._path} was closed before its end")
        try:
            piece = self._cached(wanted) or await self._fetched(wanted)
        except OSError as error:
            raise BodyDamaged(f"body file {self._path} cannot be read: {error}") from error
        if not piece:
            raise BodyDamaged(f"body file {self._path} ends at {self._at} of {self._size} bytes")
        self._at += len(piece)
        return piece

    async def aclose(self) -> None:
        if self._busy is not None and not self._busy.done():
            # A thread still reads: closing now could hand its descriptor to another file.
            self._busy.add_done_callback(lambda _: self._close())
            return
        self._close()

    def __del__(self) -> None:
        self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = getattr(self, "_descriptor", -1), -1
        if descriptor >= 0:
            os.close(descriptor)

    def _cached(self, wanted: int) -> bytes:
        """What the page cache has of the next piece; empty when that is nothing."""
        if not _NOWAIT:
            return b""
        if not _scratch:
            _scratch.append(bytearray(PIECE))
        view = memoryview(_scratch[0])[:wanted]
        try:
            got = os.preadv(self._descriptor, [view], self._at, _NOWAIT)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno in _CANNOT_SAY:
                return b""
            raise
        return bytes(view[:got])

    async def _fetched(self, wanted: int) -> bytes:
        loop = asyncio.get_running_loop()
        self._busy = loop.run_in_executor(
            self._executor, os.pread, self._descriptor, wanted, self._at
        )
        # Shielded: a reader that is cancelled must not leave the thread's descriptor to chance.
        return await asyncio.shield(self._busy)
