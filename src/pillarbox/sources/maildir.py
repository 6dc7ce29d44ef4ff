"""Reading a Maildir: the files in ``new`` and ``cur``, in the order of delivery.

The order is that of the time in the file's name (``1700000000.M123P45.host``), which
survives copying; where a name has none, the file's own time stands in. What the name
says after ``:2,`` are flags: T (trashed) means that the user has deleted the message and
no program has cleared it away yet, so it is left out, unless it is asked for.

The folder may belong to somebody less trusted than the operator, who may be root. So no
symbolic link inside it is followed (it could point at anything) and nothing but regular
files is opened (a FIFO would wait for ever).
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pillarbox.sources.found import (
    MAX_MESSAGE_OCTETS,
    Found,
    SourceUnusable,
    trouble_with,
)
from pillarbox.sources.regular import open_regular

_NAME = re.compile(r"(\d{1,11})\.(?:[^.:]*?M(\d{1,6}))?")
_FLAGS = re.compile(r":2,([A-Za-z]*)$")
_FOLDERS = ("cur", "new")
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_DIRECTORY


class _Entry(NamedTuple):
    """Sorts in the order of delivery."""

    seconds: int
    microseconds: int
    name: str
    folder: str

    @property
    def flags(self) -> str:
        """Letters; none in ``new``."""
        found = _FLAGS.search(self.name)
        return found[1] if found else ""


class Maildir:
    """A :class:`~pillarbox.sources.found.Source`; reads the folder's list at once."""

    def __init__(self, path: Path, *, with_trashed: bool = False) -> None:
        self._path = path
        self._with_trashed = with_trashed
        self._descriptors: dict[str, int] = {}
        try:
            for name in _FOLDERS:
                self._descriptors[name] = _open_folder(path / name)
            entries, trashed = self._list()
        except BaseException:
            self.close()
            raise
        self._entries = sorted(entries)
        self.total = len(self._entries)
        self.notes = tuple(_notes(path, trashed))

    def __iter__(self) -> Iterator[Found]:
        for entry in self._entries:
            yield self._read(entry)

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])

    def _list(self) -> tuple[list[_Entry], int]:
        """All messages but those that are marked as deleted and were not asked for; and how many those are."""
        entries: list[_Entry] = []
        trashed = 0
        for folder, descriptor in self._descriptors.items():
            for name in os.listdir(descriptor):  # noqa: PTH208 - by descriptor: no link is followed
                if name.startswith("."):
                    continue
                flags = _FLAGS.search(name)
                if flags and "T" in flags[1] and not self._with_trashed:
                    trashed += 1
                else:
                    entries.append(_entry(descriptor, folder, name))
        return entries, trashed

    def _read(self, entry: _Entry) -> Found:
        label = f"{entry.folder}/{entry.name}"
        try:
            raw = self._contents(entry)
        except OSError as error:
            if error.errno == errno.ELOOP:
                return Found(label, None, "is a symbolic link: none is followed")
            return Found(label, None, f"cannot be read: {error.strerror or error}")
        problem = trouble_with(raw)
        return Found(label, None if problem else raw, problem, flags=entry.flags)

    def _contents(self, entry: _Entry) -> bytes:
        folder = self._descriptors[entry.folder]
        try:
            file = open_regular(entry.name, dir_fd=folder)
        except FileNotFoundError:
            folder, name = self._moved(entry)
            file = open_regular(name, dir_fd=folder)
        with file:
            if os.fstat(file.fileno()).st_size > MAX_MESSAGE_OCTETS:
                raise OSError(f"it is larger than {MAX_MESSAGE_OCTETS} octets")
            return file.read(MAX_MESSAGE_OCTETS)

    def _moved(self, entry: _Entry) -> tuple[int, str]:
        """Where a reader has moved the message meanwhile: to ``cur``, with other flags."""
        base = entry.name.partition(":")[0]
        descriptor = self._descriptors["cur"]
        for name in os.listdir(descriptor):  # noqa: PTH208 - as above
            if name.partition(":")[0] == base:
                return descriptor, name
        raise FileNotFoundError(0, "it has been removed meanwhile")


def _open_folder(folder: Path) -> int:
    try:
        return os.open(folder, _FOLDER)
    except OSError as error:
        raise SourceUnusable(f"{folder}: cannot be read: {error.strerror}") from error


def _entry(descriptor: int, folder: str, name: str) -> _Entry:
    if found := _NAME.match(name):
        return _Entry(int(found[1]), int(found[2] or 0), name, folder)
    try:
        changed = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mtime_ns
    except OSError:
        changed = 0
    return _Entry(changed // 10**9, changed % 10**9 // 1000, name, folder)


def _notes(path: Path, trashed: int) -> Iterator[str]:
    if trashed:
        yield f"left out, as marked for deletion: {trashed}"
    try:
        names = [entry.name for entry in path.iterdir() if entry.name.startswith(".")]
    except OSError:
        names = []
    folders = sorted(name for name in names if (path / name / "cur").is_dir())
    if folders:
        shown = ", ".join(folders[:5]) + (", …" if len(folders) > 5 else "")  # noqa: PLR2004 - a line's worth
        yield f"left out, as POP3 has one folder only: {shown}; name one as SOURCE to import it"
    if any((path / name).exists() for name in ("dovecot-uidlist", "courierpop3dsizelist")):
        yield (
            "unique-ids are not taken over in this version: clients that leave mail on the "
            "server will download it again"
        )
