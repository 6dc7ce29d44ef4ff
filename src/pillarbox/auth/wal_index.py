"""Whether a SQLite file has changed since one looked last, told without a system call.

In WAL mode all processes that have the file open share its *WAL index* (``FILE-shm``) as mapped
memory. Every commit writes a new header into it, by which SQLite itself knows whether what it has
in its cache is still true (https://sqlite.org/walformat.html). Here that header is looked at, and
never written: while it is the same, so is every row.

The header is there twice, and who commits writes one copy after the other. Two copies that differ are
a commit under way.

Descriptors of that file are dangerous: closing *any* of them takes away all locks that this process
has on it, SQLite's own included (https://sqlite.org/howtocorrupt.html, 2.2). So there is one for
each file and process, whoever asks, and it is closed when SQLite has closed its last.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
from pathlib import Path

_VERSION = (3_007_000).to_bytes(4, sys.byteorder)
"""What each copy of the header begins with, in all of SQLite 3."""
_COPY = 48
"""Octets of a copy."""


class WalIndex:
    """The WAL index of one file, mapped into this process. See :func:`borrow`."""

    __slots__ = ("_descriptor", "_header", "_identity", "_last", "_users")

    def __init__(self, descriptor: int, identity: tuple[int, int]) -> None:
        self._descriptor = descriptor
        self._identity = identity
        self._header = mmap.mmap(descriptor, 2 * _COPY, access=mmap.ACCESS_READ)
        self._last = b""
        """The last header that was whole."""
        self._users = 0

    def version(self) -> bytes | None:
        """Something that is equal as long as nobody has changed the file, and never again; None:
        it cannot be told at this moment.
        """
        header = self._header[:]
        if header != self._last:
            copy = header[:_COPY]
            if copy != header[_COPY:] or not copy.startswith(_VERSION):
                return None
            self._last = header
        return header

    def give_back(self) -> None:
        """The connection that this was borrowed for has been closed."""
        with _guard:
            self._users -= 1
            if not self._users:
                del _mapped[self._identity]
                self._header.close()
                os.close(self._descriptor)


def borrow(database: Path) -> WalIndex | None:
    """The index of *database*, which a connection of this process has just read, to be given back
    when that has been closed. None: it cannot be had; everything else goes on without it.
    """
    path = database.with_name(f"{database.name}-shm")
    with _guard:
        try:
            found = path.stat()
            identity = found.st_dev, found.st_ino
            index = _mapped.get(identity)
            if index is None:
                # Stays open if anything fails from here on: see above.
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                opened = os.fstat(descriptor)
                if (opened.st_dev, opened.st_ino) != identity:
                    return None
                index = _mapped[identity] = WalIndex(descriptor, identity)
        except (OSError, ValueError):  # ValueError: too short to be one
            return None
        index._users += 1  # noqa: SLF001 - this module's own class
        return index


_guard = threading.Lock()
_mapped: dict[tuple[int, int], WalIndex] = {}
"""By device and inode."""
