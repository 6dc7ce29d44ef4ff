"""Messages as files in the folders of a :class:`.tree.Tree`.

Promise: a message is in one folder, whole, whatever crashes when; and it is never overwritten.

* *add*: the content is written to ``tmp`` and synced, then the file is renamed into ``cur``; then ``cur`` is
  synced, and ``tmp`` after it.
* *refile* (to another folder, with other flags): one rename. Then the directory that the name is in now is synced, and
  only then those that it was in: a name that is in neither would be a message lost. Many messages sync each
  directory once; those that go to different directories one destination after the other, since one that both gives and
  takes would have to be synced first and last.
* *erase*: unlink, then sync.

Other programs work on the same files. One that is not where it was is looked for by its base name, in its folder and then
everywhere; what is nowhere is passed over.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pillarbox.durable import sync_folder
from pillarbox.reader.errors import NoSuchMessage
from pillarbox.reader.library import files
from pillarbox.reader.library.arrivals import Arrival, stage
from pillarbox.reader.library.names import file_name, new_base
from pillarbox.reader.library.tree import Tree
from pillarbox.reader.library.trouble import usable
from pillarbox.reader.model import Entry, Folder

ABANDONED = 36 * 3600.0
"""Seconds after which a file in ``tmp`` is nobody's any more (cr.yp.to/proto/maildir.html)."""


class Refiled(NamedTuple):
    """A message that was found."""

    before: Entry
    """As it was on disk, which may be other than what was thought."""
    after: Entry


class Maildirs:
    """See the module. Blocking; one thread at a time changes."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    # Looking.

    def scan(self, folder: Folder) -> Iterator[Entry]:
        """The messages of *folder*, in no order, each base name once; see :func:`.files.scan`.

        Raises:
            NoSuchFolder: there is none.
            LibraryUnusable: it cannot be read.
        """
        directory = self.tree.directory(folder)
        with usable(directory):
            yield from files.scan(directory, folder)

    def arrived(self, folder: Folder) -> Iterator[Entry]:
        """Those of them that are in ``new``.

        Raises:
            NoSuchFolder, LibraryUnusable: as *scan*.
        """
        directory = self.tree.directory(folder)
        with usable(directory):
            yield from files.scan(directory, folder, (files.NEW,))

    def path(self, entry: Entry) -> Path:
        """Where its file is, unless it has been renamed."""
        return self.tree.root / entry.folder / files.place_of(entry)

    def locate(self, entry: Entry) -> Entry:
        """How its file is called now.

        Raises:
            NoSuchMessage: it is nowhere.
        """
        with usable(self.tree.root):
            if files.is_file(self.path(entry)):
                return entry
            found = self.search([entry])
        if not found:
            raise NoSuchMessage("This message is not there any more: it has been removed.")
        return found[entry.base]

    def search(self, entries: Collection[Entry]) -> dict[str, Entry]:
        """Where these are now, by base name: first in their own folders, then everywhere."""
        wanted = {entry.base for entry in entries}
        own = {entry.folder for entry in entries}
        found: dict[str, Entry] = {}
        others = (folder for folder in self.tree.folders() if folder not in own)
        with usable(self.tree.root):
            for folder in (*own, *others):
                for entry in self._search_in(folder, wanted - found.keys()):
                    found[entry.base] = entry
                if len(found) == len(wanted):
                    break
        return found

    def read(self, entry: Entry, octets: int = -1) -> bytes:
        """The message, or so many octets of its beginning.

        Raises:
            NoSuchMessage: it is nowhere.
            LibraryUnusable: it cannot be read.
        """
        path = self.path(entry)
        if not files.is_file(path):
            path = self.path(self.locate(entry))
        with usable(path):
            return files.content(path, octets)

    # Changing.

    def add(self, folder: Folder, arrivals: Sequence[Arrival]) -> list[Entry]:
        """Put messages into ``cur`` of *folder*. No message anywhere has one of their base names.

        Raises:
            NoSuchFolder: there is none.
            LibraryUnusable: none is added, or the first few.
        """
        directory = self.tree.directory(folder)
        entries = [Entry(folder, each.base or new_base(), each.flags) for each in arrivals]
        staged = stage(directory / "tmp", arrivals)
        with usable(directory):
            for path, entry in zip(staged, entries, strict=True):
                path.rename(directory / "cur" / file_name(entry))
            sync_folder(directory / "cur")
            sync_folder(directory / "tmp")
        return entries

    def refile(
        self, entries: Iterable[Entry], change: Callable[[Entry], Entry]
    ) -> list[Refiled | None]:
        """Let each be what *change* makes of it: in another folder, with other flags. None: it is nowhere.

        Raises:
            NoSuchFolder: *change* names one that is not there.
            LibraryUnusable: a part of them may be as they should.
        """
        wanted = list(entries)
        done: dict[int, Refiled] = {}
        with usable(self.tree.root):
            lost = self._refile(list(enumerate(wanted)), change, done)
            if lost:
                found = self.search([wanted[place] for place in lost])
                again = [(place, found.get(wanted[place].base)) for place in lost]
                self._refile([(place, entry) for place, entry in again if entry], change, done)
        return [done.get(place) for place in range(len(wanted))]

    def erase(self, entries: Iterable[Entry]) -> list[Entry]:
        """Remove for good those that are in the folders in which they are said to be.

        Raises:
            LibraryUnusable: a part of them may be gone.
        """
        gone: list[Entry] = []
        missing: dict[Folder, dict[str, Entry]] = defaultdict(dict)
        with usable(self.tree.root):
            for entry in entries:
                if self._unlink(entry):
                    gone.append(entry)
                else:
                    missing[entry.folder][entry.base] = entry
            for folder, mine in missing.items():
                found = list(self._search_in(folder, mine))
                gone += [mine[entry.base] for entry in found if self._unlink(entry)]
            for folder in {entry.folder for entry in gone}:
                for part in (files.NEW, files.CUR):
                    sync_folder(self.tree.root / folder / part)
        return gone

    def sweep(self) -> None:
        """Remove what writers that died have left in ``tmp``.

        Raises:
            LibraryUnusable: it cannot be removed.
        """
        with usable(self.tree.root):
            for folder in self.tree.folders():
                files.remove_older(self.tree.root / folder / "tmp", ABANDONED)

    # Parts of these.

    def _refile(
        self,
        entries: list[tuple[int, Entry]],
        change: Callable[[Entry], Entry],
        done: dict[int, Refiled],
    ) -> list[int]:
        """One pass; returns the places of those that are not where they should be."""
        by_target: dict[str, list[tuple[int, Refiled]]] = defaultdict(list)
        for place, before in entries:
            after = change(before)
            by_target[self._directory(after)].append((place, Refiled(before, after)))
        for folder in {wish.after.folder for wishes in by_target.values() for _, wish in wishes}:
            self.tree.directory(folder)
        lost: list[int] = []
        for target, wishes in by_target.items():
            sources: set[str] = set()
            for place, wish in wishes:
                if (now := self._rename(wish)) is None:
                    lost.append(place)
                    continue
                done[place] = Refiled(wish.before, now)
                if now != wish.before:
                    sources.add(self._directory(wish.before))
            files.sync_in_order(target, sources)
        return lost

    def _rename(self, wish: Refiled) -> Entry | None:
        """As what it is now. None: the file is not there. (Half of its time would be pathlib's.)"""
        before, after = wish
        source = self._name(before)
        if not files.is_file(source):
            return None
        if after == before:
            return after
        names = (self._name(after), self._name(replace(after, new=True)))
        if any(name != source and os.path.lexists(name) for name in names):
            after = replace(
                after, base=new_base()
            )  # another message has the name: nothing is overwritten
        try:
            os.rename(source, self._name(after))  # noqa: PTH104 -- thousands at a time
        except FileNotFoundError:
            return None
        return after

    def _directory(self, entry: Entry) -> str:
        return f"{self.tree.root}/{entry.folder}/{files.NEW if entry.new else files.CUR}"

    def _name(self, entry: Entry) -> str:
        return f"{self.tree.root}/{entry.folder}/{files.place_of(entry)}"

    def _unlink(self, entry: Entry) -> bool:
        try:
            self.path(entry).unlink()
        except FileNotFoundError:
            return False
        return True

    def _search_in(self, folder: Folder, bases: Collection[str]) -> Iterator[Entry]:
        if self.tree.has(folder):
            yield from files.search(self.tree.root / folder, folder, bases)
