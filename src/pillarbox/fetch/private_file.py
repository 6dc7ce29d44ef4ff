"""Reading a file that holds a secret: only if nobody else could have read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NotPrivate(Exception):
    """The text says what is wrong, and goes on from the file's name."""

    def __init__(self, what: str, *, is_readable: bool = False) -> None:
        super().__init__(what)
        self.is_readable = is_readable
        """It would do, but others may read it, too."""


def read_private(path: Path, limit: int) -> bytes:
    """What *path* holds, up to *limit* octets.

    Raises:
        FileNotFoundError: there is none.
        NotPrivate: it cannot be read, is no regular file, or not its owner's alone.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotPrivate(f"cannot be read ({error.strerror})") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NotPrivate("is no regular file")
        if found.st_uid != os.geteuid():
            raise NotPrivate("belongs to another user")
        if found.st_mode & _OTHERS:
            raise NotPrivate("can be read by others", is_readable=True)
        return os.read(descriptor, limit)
    finally:
        os.close(descriptor)
