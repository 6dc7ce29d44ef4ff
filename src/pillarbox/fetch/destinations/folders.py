"""Folders that are destinations: made durably, and recognised when they are others now."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from pillarbox.durable import sync_folder

TOGETHER = ".pillarbox-mail"
"""A file in a directory. It says that the Maildirs below are one library: a program moves mail from one to another."""
_MAILDIR = {"tmp", "new", "cur"}


def make_folder(folder: Path) -> None:
    """Make *folder*, and what is missing above it, for the owner only; durable on return.

    Raises:
        OSError: it cannot be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))
    sync_folder(folder.parent)


def together_with(folder: Path) -> Iterator[Path]:
    """The Maildirs in which a message may be that was put into the Maildir *folder*; first itself.

    Raises:
        OSError: one of their directories cannot be read.
    """
    yield folder
    library = next((above for above in folder.parents if (above / TOGETHER).is_file()), None)
    if library is None:
        return
    for place, names, _ in os.walk(library, onerror=_raise):
        if set(names) >= _MAILDIR:
            names[:] = set(names) - _MAILDIR
            if Path(place) != folder:
                yield Path(place)


def _raise(error: OSError) -> None:
    raise error


def identity_of(folder: Path) -> int:
    """What tells *folder* from another one that has taken its place: a disk not mounted, a
    backup put back.

    The inode alone: the number of the device may change when the machine starts.

    Raises:
        OSError: it is not there.
    """
    return folder.stat().st_ino


def sweep(folder: Path, mark: str, keep: Collection[str]) -> None:
    """Remove the files in *folder* with *mark* in their names, except those named in *keep*.

    Raises:
        OSError: one of them cannot be removed.
    """
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if mark in entry.name and entry.name not in keep]
    for name in names:
        (folder / name).unlink(missing_ok=True)
