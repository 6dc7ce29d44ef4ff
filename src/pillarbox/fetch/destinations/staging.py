"""Messages staged as files: written whole under a private name, then synced, many at once."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from pillarbox.durable import sync_folder
from pillarbox.fetch.destinations.contract import Staging
from pillarbox.fetch.destinations.trouble import trouble
from pillarbox.fetch.line_ends import Form

BUFFER = 64 * 1024
"""Bytes collected before they are written: most messages are one write."""
SYNC_THREADS = 8
"""Syncs in flight at a time. The file system puts those that wait together into one commit
(experiments/fetch.md)."""

_counter = itertools.count(1)
_advise = getattr(os, "posix_fadvise", None)  # macOS has none


def unique_name(owner: str) -> str:
    """A name that no other process, machine or run gives: ``TIME.MmicrosPpidQcountRowner``."""
    now = time.time_ns()
    micros = now // 1000 % 1_000_000
    return f"{now // 10**9}.M{micros:06d}P{os.getpid()}Q{next(_counter)}R{owner}"


def time_of(name: str) -> float:
    """When :func:`unique_name` gave *name*; seconds since the epoch."""
    return float(name.partition(".")[0])


class FileStaging:
    """A :class:`~pillarbox.fetch.destinations.contract.Staging` in a file of its own."""

    __slots__ = ("_descriptor", "_form", "_path", "_pieces", "_token", "_waiting", "octets")

    def __init__(self, path: str, form: Form, token: Callable[[int], str]) -> None:
        """*token* makes the token of the file's size."""
        self._path = path
        self._form = form
        self._token = token
        self._pieces: list[bytes] = []
        self._waiting = 0
        self.octets = 0
        """Bytes in the file."""
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise trouble(error, path) from error

    def write(self, piece: bytes) -> None:
        self._pieces.append(self._form.feed(piece))
        self._waiting += len(piece)
        if self._waiting >= BUFFER:
            self._flush()

    def finish(self) -> str:
        self._pieces.append(self._form.finish())
        self._flush()
        return self._token(self.octets)

    def abandon(self) -> None:
        self.close()
        with contextlib.suppress(OSError):  # then it is swept by the next run
            Path(self._path).unlink()

    def begin_sync(self) -> None:
        """Have the disk begin with the contents, and wait for nothing.

        A file system that gives out blocks when they are written (ext4) writes a commit for
        each file whose sync has to begin with that. When all have begun, one does for many.
        """
        if _advise is not None:
            _advise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        """Make the contents durable (not yet the name).

        Raises:
            OSError: they cannot be written.
        """
        os.fsync(self._descriptor)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _flush(self) -> None:
        data = memoryview(b"".join(self._pieces))
        self._pieces.clear()
        self._waiting = 0
        self.octets += len(data)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            self.abandon()
            raise trouble(error, self._path) from error


def close_all(stagings: Sequence[Staging]) -> list[FileStaging]:
    """Close the files of *stagings*, which one of our destinations has made; returns them."""
    files = cast("list[FileStaging]", stagings)
    for staging in files:
        staging.close()
    return files


def sync_all(stagings: Sequence[Staging], folder: Path) -> None:
    """Make *stagings* in *folder* durable, contents and names, and close their files.

    Raises:
        DestinationUnusable: one of them cannot be; all are abandoned.
    """
    files = cast("Sequence[FileStaging]", stagings)
    try:
        _sync_contents(files)
        sync_folder(folder)
    except OSError as error:
        for staging in files:
            staging.abandon()
        raise trouble(error, folder) from error
    close_all(files)


def _sync_contents(files: Sequence[FileStaging]) -> None:
    """Sync each of *files*, several at a time.

    Raises:
        OSError: the first thing that went wrong.
    """
    for file in files:
        file.begin_sync()
    errors: list[OSError] = []
    threads = [
        threading.Thread(target=_sync_some, args=(files[start::SYNC_THREADS], errors))
        for start in range(1, min(SYNC_THREADS, len(files)))
    ]
    for thread in threads:
        thread.start()
    _sync_some(files[::SYNC_THREADS], errors)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _sync_some(files: Sequence[FileStaging], errors: list[OSError]) -> None:
    try:
        for file in files:
            file.sync()
    except OSError as error:
        errors.append(error)
