"""From an error of the operating system to a sentence for the user of the reader."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from pillarbox.reader.errors import LibraryUnusable

_ADVICE = {
    errno.ENOSPC: "make room on its disk, and try again",
    errno.EDQUOT: "make room within your quota, and try again",
    errno.EACCES: "give yourself the right to read and write it",
    errno.EPERM: "give yourself the right to read and write it",
    errno.EROFS: "its disk can only be read; make it writable",
    errno.ENOENT: "it has been moved or removed, or its disk is not there",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EIO: "check its disk",
    errno.EXDEV: "all folders of the library have to be on one disk",
    errno.EMFILE: "too many files are open; close some, and try again",
}


@contextlib.contextmanager
def usable(place: Path) -> Iterator[None]:
    """Turn errors of the operating system into LibraryUnusable."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "nothing that was there before is lost")
        what = error.strerror or str(error)
        where = os.fspath(error.filename or place)
        raise LibraryUnusable(f"{where}: {what}; {advice}.") from error
