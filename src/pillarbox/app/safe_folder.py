"""Opening a folder as root, by a path that others may have a hand in.

Where another user may write, a name can turn into a symbolic link to anything between two
calls. So the path is walked one name at a time, each opened within the folder before it, and
a link is followed only if root made it, in a folder of root's (``/var/lib`` may well be one). What comes out is a
descriptor: whatever is done with it is done to that folder and to no other.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

MOST_LINKS = 40
"""As many as the kernel follows."""

MODE_ON_THE_WAY = 0o755
"""Of folders that are made for others to be in."""

_FLAGS = os.O_PATH | os.O_NOFOLLOW


class StrangersLink(OSError):
    """A part of the path is a symbolic link that others than root made or may replace."""


def open_folder(path: Path, mode: int) -> int:
    """A descriptor (``O_PATH``) of the folder *path*, which is made with *mode* if need be.

    Raises:
        StrangersLink: somebody else's symbolic link is in the way.
        OSError: it cannot be opened or made.
    """
    left = [*reversed(path.absolute().parts[1:])]
    links = 0
    with contextlib.ExitStack() as opened:
        here = _kept(opened, os.open("/", _FLAGS))
        while left:
            name = left.pop()
            inner = _kept(opened, _enter(here, name, MODE_ON_THE_WAY if left else mode))
            target = _target(here, inner, name)
            if target is None:
                here = inner
                continue
            links += 1
            if links > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            if target.is_absolute():
                here = _kept(opened, os.open("/", _FLAGS))
            left += reversed(target.parts[1:] if target.is_absolute() else target.parts)
        return os.dup(here)


def _kept(opened: contextlib.ExitStack, descriptor: int) -> int:
    """*descriptor*, to be closed at the end of the walk."""
    opened.callback(os.close, descriptor)
    return descriptor


def _enter(here: int, name: str, mode: int) -> int:
    """What is called *name* in the folder *here*: a folder, made if need be, or a link."""
    try:
        return os.open(name, _FLAGS, dir_fd=here)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):  # somebody was quicker
            os.mkdir(name, mode, dir_fd=here)
        return os.open(name, _FLAGS, dir_fd=here)


def _target(here: int, inner: int, name: str) -> Path | None:
    """Where the link *inner* in the folder *here* leads; None: it is a folder.

    Raises:
        StrangersLink, OSError: it is a link that is not followed, or neither.
    """
    found = os.fstat(inner)
    if stat.S_ISDIR(found.st_mode):
        return None
    if not stat.S_ISLNK(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if found.st_uid != 0 or os.fstat(here).st_uid != 0:
        raise StrangersLink(f'"{name}" in it is a symbolic link that is not only root\'s')
    return Path(os.readlink("", dir_fd=inner))
