"""The files of one Maildir: listed, read, and given names that say what they mean."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pillarbox.durable import sync_folder
from pillarbox.reader.library.names import entry_of, file_name, new_base
from pillarbox.reader.model import Entry, Folder

NEW, CUR = "new", "cur"
MAX_BASE = 200
"""Octets of a base name. File systems take 255 for a whole name: one that could not be marked would stop all others."""
MAX_EXTRA = 40
"""Octets of unknown letters behind the flags; Dovecot has 26 keywords."""


def place_of(entry: Entry) -> str:
    """The path of its file, within the Maildir."""
    return f"{NEW if entry.new else CUR}/{file_name(entry)}"


def scan(directory: Path, folder: Folder, parts: Sequence[str] = (NEW, CUR)) -> Iterator[Entry]:
    """The messages in the Maildir *directory* (or in parts of it), in no order, each base name once.

    A name that is not as :func:`.names.file_name` makes it is made so: letters in another order, none behind
    ``cur``, some in ``new``, bytes that are no text. Of two files with one base name (a copy made by hand) one gets another:
    a message that nothing can name could not be shown.

    Raises:
        OSError: it cannot be read, or a name not be changed.
    """
    seen: dict[str, Path] = {}
    renamed = False
    for part in parts:  # new first: what moves meanwhile is seen twice, not never
        for name in list(files_in(directory / part)):
            path = directory / part / name
            entry = entry_of(folder, name, new=part == NEW)
            if entry.base in seen:
                other = seen[entry.base]
                if path == other or not (is_file(path) and is_file(other)):
                    continue  # it is one file, renamed meanwhile
                entry = replace(entry, base=new_base())
            named = _well_named(directory, path, entry)
            if named is not None:
                seen[named.base] = directory / place_of(named)
                renamed = renamed or place_of(named) != f"{part}/{name}"
                yield named
    if renamed:
        sync_folder(directory / CUR)
        sync_folder(directory / NEW)


def search(directory: Path, folder: Folder, bases: Collection[str]) -> Iterator[Entry]:
    """Those of the messages with these base names that are in the Maildir *directory*.

    Raises:
        OSError: as *scan*.
    """
    for part in (NEW, CUR):
        for name in list(files_in(directory / part)):
            if name.partition(":")[0] in bases:
                entry = entry_of(folder, name, new=part == NEW)
                if named := _well_named(directory, directory / part / name, entry):
                    yield named


def named(directory: Path, folder: Folder, places: Collection[str]) -> Iterator[Entry]:
    """The messages in the files of the Maildir *directory* that are at these *places* (``cur/NAME``).

    Raises:
        OSError: as *scan*.
    """
    for place in sorted(places, reverse=True):  # new first, as there
        part, name = place.split("/")
        entry = entry_of(folder, name, new=part == NEW)
        if found := _well_named(directory, directory / place, entry):
            yield found


def content(path: Path, octets: int = -1) -> bytes:
    """What a regular file holds, or so much of its beginning.

    Raises:
        OSError: it is none, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 -- a descriptor, no path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("It is no regular file")
        return file.read(octets)


def files_in(directory: Path) -> Iterator[str]:
    """Names of regular files that do not hide.

    Raises:
        OSError: the directory cannot be read.
    """
    with os.scandir(directory) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                yield entry.name


def is_file(path: str | Path) -> bool:
    """Whether there is a regular file; a link is none."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def remove_older(directory: Path, seconds: float) -> None:
    """Remove the files that nobody has written to for so long.

    Raises:
        OSError: one of them cannot be removed.
    """
    oldest = time.time() - seconds
    for path in [directory / name for name in files_in(directory)]:
        try:
            if os.lstat(path).st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue


def sync_in_order(target: str, sources: set[str]) -> None:
    """Messages are durable in *target*, where they are, before they may be missing from where they were.

    Raises:
        OSError: a directory cannot be synced.
    """
    if sources:
        sync_folder(Path(target))
    for source in sources - {target}:
        sync_folder(Path(source))


def _well_named(directory: Path, path: Path, entry: Entry) -> Entry | None:
    """*entry* as it is called once its file *path* has a name as it should be. None: it is gone."""
    # The surrogates that stand for what is no UTF-8 are not printable, either.
    if not entry.base.isprintable() or len(entry.base.encode()) > MAX_BASE:
        entry = replace(entry, base=new_base())
    if not entry.extra.isprintable() or len(entry.extra.encode()) > MAX_EXTRA:
        entry = replace(entry, extra="")
    if entry.new and ":" in path.name:
        entry = replace(entry, new=False)
    if directory / place_of(entry) == path:
        return entry
    if os.path.lexists(directory / place_of(entry)):
        entry = replace(entry, base=new_base())
    try:
        path.rename(directory / place_of(entry))
    except FileNotFoundError:
        return None
    return entry
