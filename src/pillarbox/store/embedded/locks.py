"""Session locks: one byte-range lock of the operating system for each open session.

A shard has a few lock files, which stay empty (a few, because the kernel looks through all
locks of a file for each one: experiments/store.md); a session locks the byte that stands for
its view *and that view's epoch*. The kernel frees it when the process ends, however it ends. To
take a lock away the view's epoch is raised: the next session locks another byte, and the
old one learns of it when it commits.

POSIX record locks are used because the kernel then tells who holds one. Two of their traps
are dealt with here:

* Closing *any* descriptor of the file drops all locks that the process has on it. So each
  lock file is opened once a process, whoever asks, and closed with its last user.
* A process never conflicts with itself. So the bytes held by this process are also kept in
  a set.

A forked child inherits no lock; it starts with an empty table.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import threading
from pathlib import Path

_EPOCH_BITS = 22
"""A view's bytes: a lock would have to be taken away four million times to wrap around."""
FILES = 16
"""Lock files of a shard; a power of two. Ten thousand sessions are then some 300 to a file."""
_FLOCK = "hhqqi4x" if sys.platform == "linux" else "qqihh"


def byte_of(view: int, epoch: int) -> int:
    """The byte that a session of *view* locks."""
    return view << _EPOCH_BITS | epoch & (1 << _EPOCH_BITS) - 1


class LockFile:
    """One lock file, as this process holds it. Threads may share it."""

    __slots__ = ("_descriptor", "_held", "_key", "_users")

    def __init__(self, descriptor: int, key: tuple[int, int]) -> None:
        self._descriptor = descriptor
        self._key = key
        self._held: set[int] = set()
        self._users = 0

    @classmethod
    def of(cls, path: Path) -> LockFile:
        """This process's table for the lock file *path* (made if missing); close it after use.

        Raises:
            OSError: it cannot be opened.
        """
        with _guard:
            locks = _by_file.get(_key_of(path)) if path.exists() else None
            if locks is None:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
                locks = cls(descriptor, _key_of(path))
                _by_file[locks._key] = locks
            locks._users += 1
            return locks

    def close(self) -> None:
        """Leave the table; the last to leave closes the file (and frees what is held)."""
        with _guard:
            self._users -= 1
            if self._users == 0:
                _by_file.pop(self._key, None)
                os.close(self._descriptor)

    def acquire(self, byte: int) -> bool:
        """Lock *byte*; False when somebody has it. Never waits.

        Raises:
            OSError: the kernel can give no lock.
        """
        with _guard:
            if byte in self._held:
                return False
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
            except (BlockingIOError, PermissionError):  # POSIX allows EAGAIN and EACCES
                return False
            self._held.add(byte)
            return True

    def release(self, byte: int) -> None:
        """Unlock *byte*, which this process holds."""
        with _guard:
            self._held.discard(byte)
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, byte)

    def holder(self, byte: int) -> int | None:
        """The process that holds *byte*; None when nobody does."""
        with _guard:
            if byte in self._held:
                return os.getpid()
            return _asked(self._descriptor, byte)


class SessionLocks:
    """The session locks of one shard, spread over its lock files by view."""

    __slots__ = ("_files", "_folder")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[int, LockFile] = {}

    def file(self, byte: int) -> LockFile:
        """The file that *byte* lies in; opened when first needed.

        Raises:
            OSError: it cannot be opened.
        """
        number = byte >> _EPOCH_BITS & FILES - 1
        if number not in self._files:
            self._files[number] = LockFile.of(self._path(number))
        return self._files[number]

    def holder(self, byte: int) -> int | None:
        """The process that holds *byte*; None when nobody does. Makes no file.

        Raises:
            OSError: the file cannot be opened.
        """
        number = byte >> _EPOCH_BITS & FILES - 1
        if number not in self._files and not self._path(number).exists():
            return None
        return self.file(byte).holder(byte)

    def _path(self, number: int) -> Path:
        return self._folder / f"sessions-{number:x}.lock"

    def close(self) -> None:
        while self._files:
            self._files.popitem()[1].close()


_guard = threading.Lock()
_by_file: dict[tuple[int, int], LockFile] = {}


def _forget() -> None:
    """In a forked child: the locks, and the guard's state, were the parent's."""
    global _guard  # noqa: PLW0603 - another thread of the parent may have held it
    _guard = threading.Lock()
    _by_file.clear()


os.register_at_fork(after_in_child=_forget)


def _key_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _asked(descriptor: int, byte: int) -> int | None:
    if sys.platform == "linux":
        query = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
        kind, _, _, _, process = struct.unpack(
            _FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, query)
        )
    else:
        query = struct.pack(_FLOCK, byte, 1, 0, fcntl.F_WRLCK, os.SEEK_SET)
        _, _, process, kind, _ = struct.unpack(
            _FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, query)
        )
    return None if kind == fcntl.F_UNLCK else int(process)
