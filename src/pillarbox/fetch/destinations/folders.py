"""Folders that are destinations: made durably, and recognised when they are others now."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from pathlib import Path

from pillarbox.durable import sync_folder


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
