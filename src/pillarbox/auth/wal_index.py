"""Whether a SQLite file has changed since one looked last, told without a system call.

In WAL mode all processes that have the file open share its *WAL index* (``FILE-shm``) as mapped
memory. Every commit writes a new header into it, by which SQLite itself knows whether what it has
in its cache is still true (https://sqlite.org/walformat.html). Here that header is looked at, and
never written: while it is the same, so is every row.

The header is there twice, and who commits writes one copy after the other. Two copies that differ are
a commit under way.

Descriptors of that file are dangerous: closing *any* of them takes away all locks that this process
has on it, SQLite's own included (https://sqlite.org/howtocorrupt.html, 2.2). So there is one for
each file and process, whoever asks, and it is closed when SQLite has closed its last, and nobody is
about to open another one (:func:`opening`).
"""

from __future__ import annotations

import itertools
import mmap
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VERSION = (3_007_000).to_bytes(4, sys.byteorder)
"""What each copy of the header begins with, in all of SQLite 3."""
_COPY = 48
"""Octets of a copy."""


class WalIndex:
    """The WAL index of one file, mapped into this process. See :func:`borrow`."""

    __slots__ = ("_age", "_descriptor", "_header", "_last", "_version", "users")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._header = mmap.mmap(descriptor, 2 * _COPY, access=mmap.ACCESS_READ)
        self._age = self._last = self._version = b""
        """The last header that was whole, and the version that it stood for."""
        self.users = 0

    def begin(self) -> None:
        """It has its first user. Another age: SQLite takes the index away with its last connection,
        and a new one may begin with a header that was there before, whatever has happened since.
        """
        self._age = b"%d " % next(_ages)
        self._last = b""

    def version(self) -> bytes | None:
        """Something that is equal as long as nobody has changed the file, and never again; None:
        it cannot be told at this moment.
        """
        header = self._header[:]
        if header != self._last:
            copy = header[:_COPY]
            if copy != header[_COPY:] or not copy.startswith(_VERSION):
                return None
            self._last, self._version = header, self._age + header
        return self._version

    def give_back(self) -> None:
        """The connection that this was borrowed for has been closed."""
        with _guard:
            self.users -= 1
            _close_unused()

    def close(self) -> None:
        """Nobody has the file open."""
        self._header.close()
        os.close(self._descriptor)


@contextmanager
def opening() -> Iterator[None]:
    """From before a connection is opened until its index has been borrowed, no descriptor is
    closed: its locks would be lost, which are there before this module knows of it.
    """
    global _opening  # noqa: PLW0603 - one for the process, as its locks are
    with _guard:
        _opening += 1
    try:
        yield
    finally:
        with _guard:
            _opening -= 1
            _close_unused()


def borrow(database: Path) -> WalIndex | None:
    """The index of *database*, which a connection of this process has just read, to be given back
    when that has been closed. Within :func:`opening`, which began before that connection. None: it
    cannot be had; everything else goes on without it.
    """
    with _guard:
        try:
            target = database.resolve()  # beside it, not beside a link, is SQLite's
            path = target.with_name(f"{target.name}-shm")
            found = path.stat()
            identity = found.st_dev, found.st_ino
            index = _mapped.get(identity)
            if index is None:
                # Stays open if anything fails from here on: see above.
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                opened = os.fstat(descriptor)
                if (opened.st_dev, opened.st_ino) != identity:
                    return None
                index = _mapped[identity] = WalIndex(descriptor)
        except (OSError, RuntimeError, ValueError):  # links in a circle; too short to be one
            return None
        if not index.users:
            index.begin()
        index.users += 1
        return index


def _close_unused() -> None:
    """The caller holds the guard."""
    if not _opening:
        for identity, index in tuple(_mapped.items()):
            if not index.users and identity in _mapped:
                del _mapped[identity]
                index.close()


# Reentrant: the garbage collector may take an accounts file away in the middle of this.
_guard = threading.RLock()
_ages = itertools.count()
_opening = 0
_mapped: dict[tuple[int, int], WalIndex] = {}
"""By device and inode."""
