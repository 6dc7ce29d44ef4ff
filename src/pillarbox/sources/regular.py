"""Opening what should be a regular file, and may be anything by the time it is opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

_SAFELY = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def open_regular(path: Path | str, *, dir_fd: int | None = None, follow: bool = False) -> BinaryIO:
    """*path*, in the folder *dir_fd* if it is given, for reading. No pipe is waited for.

    Raises:
        OSError: it cannot be opened, is a symbolic link (ELOOP; unless one is to *follow* it), or no regular file.
    """
    descriptor = os.open(path, _SAFELY | (0 if follow else os.O_NOFOLLOW), dir_fd=dir_fd)
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError("it is not a regular file")
    return file
