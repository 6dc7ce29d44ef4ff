"""What is in the library already, as an import asks for it: by base name what an import has brought, by its octets the rest."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from pillarbox.reader.errors import NoSuchMessage
from pillarbox.reader.library.names import key_of
from pillarbox.reader.library.noted import is_imported
from pillarbox.reader.library.shelf import Shelf
from pillarbox.reader.model import TRASH, Entry, Folder


class There:
    """What is in the library."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._by_size: dict[Folder, dict[int, list[Entry]]] = {}
        """Of a folder, those that came in another way."""
        self._imported: dict[str, Entry] = {}
        """By base name, those on disk that the index may not know yet: of an import that was killed."""
        for folder in shelf.tree.folders():
            for entry in shelf.maildirs.scan(folder):
                if is_imported(entry.base):
                    self._imported[entry.base] = entry

    def names(self, base: str, before: Iterable[str]) -> Sequence[str]:
        """*base*, and what of *before* there is: earlier versions have made those names, and none are made any more."""
        return base, *(each for each in before if each in self._imported)

    def where(self, bases: Sequence[str], message: bytes, wanted: Folder) -> Folder | None:
        """Where it is and may stay, in Trash only if it is *wanted* there; None: nowhere."""
        entry = self.find(bases)
        if entry is not None and not is_in_trash(entry.folder, wanted):
            return entry.folder
        same_size = self._sizes_in(wanted).get(len(message), ())
        return next((one.folder for one in same_size if self._holds(one, message)), None)

    def find(self, bases: Sequence[str]) -> Entry | None:
        """One that an import has brought, of one of these names; rather one that is not in Trash."""
        there = (self._noted(each) or self._imported.get(each) for each in bases)
        found = [entry for entry in there if entry]
        return min(found, key=lambda entry: entry.folder == TRASH, default=None)

    def is_noted(self, bases: Sequence[str], wanted: Folder) -> bool:
        """Whether the index has it where it may stay."""
        found = [entry for base in bases if (entry := self._noted(base))]
        return not all(is_in_trash(entry.folder, wanted) for entry in found)

    def _noted(self, base: str) -> Entry | None:
        return self._shelf.index.entry(key_of(base))

    def _sizes_in(self, folder: Folder) -> dict[int, list[Entry]]:
        if folder not in self._by_size:
            found: dict[int, list[Entry]] = defaultdict(list)
            for entry in self._shelf.maildirs.scan(folder) if self._shelf.tree.has(folder) else ():
                if not is_imported(entry.base):
                    found[_size(self._shelf.maildirs.path(entry))].append(entry)
            self._by_size[folder] = found
        return self._by_size[folder]

    def _holds(self, entry: Entry, message: bytes) -> bool:
        try:
            return self._shelf.maildirs.read(entry) == message
        except NoSuchMessage:
            return False


def is_in_trash(folder: Folder, wanted: Folder) -> bool:
    """And shall not be."""
    return folder == TRASH != wanted


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return -1
