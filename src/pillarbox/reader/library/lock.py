"""One reader for a library: two would undo each other's work in the index."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pillarbox.lock_holder import holder_of
from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.library.trouble import usable


class Lock:
    """Held from when it is made until *release*, or the end of the process.

    Raises:
        LibraryUnusable: another reader has it, or the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        with usable(path):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            if not isinstance(error, BlockingIOError):
                raise LibraryUnusable(
                    f"{path} cannot be locked: {error.strerror}. The library has to be on a disk whose "
                    "file system knows locks."
                ) from error
            holder = holder_of(path) or "another program"
            raise LibraryUnusable(
                f"The library {path.parent} is open in {holder}. Use that one, or end it first."
            ) from None

    def release(self) -> None:
        """May be called twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
