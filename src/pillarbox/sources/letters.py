"""Reading files of one message each: an ``.eml`` file, or all of them in a folder."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from pillarbox.sources.found import (
    MAX_MESSAGE_OCTETS,
    Found,
    SourceUnusable,
    trouble_with,
)
from pillarbox.sources.mbox import is_mbox

SUFFIX = ".eml"
HEAD = 64 * 1024
"""Octets in which a message shows itself: one line of a header, after any empty ones."""
_LINE = 1024
"""Octets in which an mbox shows itself."""
_FIELD = re.compile(rb"\s*[!-9;-~]+[ \t]*:")


class Letters:
    """A :class:`~pillarbox.sources.found.Source`: the file *path*, or the ``.eml`` files in the folder *path* and
    in folders in it, by name. Links are not followed. An mbox or a Maildir among them is not read, but told: it is a
    folder of its own.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = [path] if path.is_file() else list(_in_folder(path))
        if not self._files:
            raise SourceUnusable(f"{path}: there is no {SUFFIX} file in it, and no mbox")
        self.total = len(self._files)

    def __iter__(self) -> Iterator[Found]:
        for file in self._files:
            yield _read(
                file, file.name if file == self._path else str(file.relative_to(self._path))
            )

    def close(self) -> None:
        """Nothing is held."""


def is_letter(head: bytes) -> bool:
    """Whether a file that begins so may be a message: with a field of a header."""
    return _FIELD.match(head[:HEAD]) is not None


def _is_maildir(path: Path) -> bool:
    """Whether this is a folder of that form; links to it do not count."""
    return all((path / name).is_dir() for name in ("cur", "new")) and not path.is_symlink()


def _in_folder(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise SourceUnusable(f"{folder}: cannot be read: {error.strerror}") from error
    for entry in entries:
        if _is_maildir(Path(entry.path)):
            yield Path(entry.path)
        elif entry.is_dir(follow_symlinks=False):
            yield from _in_folder(Path(entry.path))
        elif entry.is_file(follow_symlinks=False) and (
            entry.name.lower().endswith(SUFFIX) or _is_mbox(Path(entry.path))
        ):
            yield Path(entry.path)


def _is_mbox(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_mbox(file.read(_LINE))
    except OSError:
        return False


def _read(path: Path, label: str) -> Found:
    if _is_maildir(path):
        return Found(label, None, "is a Maildir: import it by its own path")
    try:
        raw = _content(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return Found(label, None, "is a symbolic link: none is followed")
        return Found(label, None, f"cannot be read: {error.strerror or error}")
    problem = trouble_with(raw)
    if is_mbox(raw[:_LINE]):
        problem = "is an mbox: import it by its own path"
    if not problem and not is_letter(raw):
        problem = "is not a message: it does not begin with a header"
    return Found(label, None if problem else raw, problem)


def _content(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is not a regular file")
        if found.st_size > MAX_MESSAGE_OCTETS:
            raise OSError(f"it is larger than {MAX_MESSAGE_OCTETS} octets")
        return file.read(MAX_MESSAGE_OCTETS)
