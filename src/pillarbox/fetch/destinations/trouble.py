"""From an error of the operating system to a sentence that says what to do."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from pillarbox.fetch.errors import DestinationUnusable

_ADVICE = {
    errno.ENOSPC: "make room on its disk and try again",
    errno.EDQUOT: "make room within the quota and try again",
    errno.EFBIG: "raise the limit on the size of files and try again",
    errno.EACCES: "give the user who fetches write permission",
    errno.EPERM: "give the user who fetches write permission",
    errno.EROFS: "make its file system writable",
    errno.ENOENT: "it has been moved or removed, or its disk is not mounted",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EISDIR: "it is a folder, not a file",
    errno.EIO: "check its disk",
    errno.EXDEV: "tmp, new and cur of a Maildir have to be in one file system",
    errno.EMFILE: "raise the limit on open files and try again",
}


def trouble(error: OSError, place: str | Path) -> DestinationUnusable:
    """What to tell the user about *error* at *place*."""
    advice = _ADVICE.get(error.errno or 0, "nothing of what was stored before is lost")
    what = error.strerror or str(error)
    return DestinationUnusable(f"{os.fspath(place)}: mail cannot be stored: {what}; {advice}")


@contextlib.contextmanager
def usable(place: str | Path) -> Iterator[None]:
    """Turn errors of the operating system into DestinationUnusable."""
    try:
        yield
    except OSError as error:
        raise trouble(error, error.filename or place) from error
