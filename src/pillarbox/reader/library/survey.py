"""The disk against the index: what came, went, or is somewhere else than was thought.

A folder is compared when the times of its ``new`` or ``cur`` are others than at the last comparison. A time is believed only
when it was over for a while when the comparison began: what happened within the same tick of a file system's
clock would not be seen by it.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pillarbox.reader.contracts import Report
from pillarbox.reader.errors import NoSuchFolder
from pillarbox.reader.library import files
from pillarbox.reader.library.index.arrival import Arrival
from pillarbox.reader.library.index.building import build
from pillarbox.reader.library.index.file import unusable
from pillarbox.reader.library.index.preparing import ALONE, BATCH, Task, preparing
from pillarbox.reader.library.index.sqlite import SqliteIndex
from pillarbox.reader.library.library import Looked
from pillarbox.reader.library.maildirs import Maildirs
from pillarbox.reader.library.names import PARTS, key_of, new_base
from pillarbox.reader.library.trouble import usable
from pillarbox.reader.model import Entry, Folder, MessageKey, Progress

FILE, BESIDE = "index.db", "index.db.new"
"""In the library's folder. The second one is being made, or was when somebody killed the reader."""
SETTLED = 3.0
"""Seconds. The coarsest clock of a file system that people have mail on ticks every two (FAT)."""
_AT_ONCE = 1000
"""Messages that have moved, or have gone, and are noted in one transaction."""
_TIME = re.compile(r"(\d{9,10})\.")
"""What a base name begins with: when it was made (cr.yp.to/proto/maildir.html)."""


def open_index(
    root: Path, maildirs: Maildirs
) -> tuple[SqliteIndex, DiskSurvey, Callable[[], None]]:
    """The index in the library's folder *root*, what keeps it up with *maildirs*, and what closes it.

    Raises:
        LibraryUnusable: there can be none.
    """
    index = SqliteIndex(root / FILE, key_of)
    return index, DiskSurvey(index, maildirs), index.close


class DiskSurvey:
    """See the module. Blocking. Whoever calls :meth:`look` keeps others of this program from changing files or index
    meanwhile; other programs do as they like, and what they do during a look is seen by the next one at the latest.
    """

    def __init__(self, index: SqliteIndex, maildirs: Maildirs) -> None:
        self._index = index
        self._disk = maildirs
        self._reindexing = threading.Lock()
        self._learning = False
        """The index knew nothing, and is told of everything right now."""

    @property
    def knows_nothing(self) -> bool:
        """The index is new."""
        return self._index.made_anew

    @property
    def wants_reindex(self) -> bool:
        """The index is new, and knows nothing; or much of it is of messages that are gone."""
        return self.knows_nothing or self._index.worn

    def look(self, folders: Collection[Folder]) -> Looked:
        """Take note of what is in *folders*, some of which may have been removed. Nothing, while the first index is being
        made: it would be done twice.

        Raises:
            LibraryUnusable: the disk or the index cannot be read or written; a part of it may be noted.
        """
        if self._learning:
            return Looked(0, frozenset())
        began = time.time()
        known = self._index.stamps()
        stamps = {folder: self._stamp(folder) for folder in folders}
        stale = sorted(
            folder for folder, stamp in stamps.items() if not stamp or known.get(folder) != stamp
        )
        look = _Look(self._index, self._disk)
        for folder in stale:
            look.compare(folder)
        look.note()
        self._index.keep_stamps(_settled({folder: stamps[folder] for folder in stale}, began))
        return Looked(look.arrived, frozenset(look.changed))

    def reindex(self, report: Report) -> None:
        """Make the index anew, beside the old one, and put it in its place. The old one can be used meanwhile; what
        happens to messages meanwhile has to be looked for afterwards. Ended by whatever (an exception of *report*,
        too), it leaves the old one. One at a time; a second one waits, and begins anew.

        Raises:
            LibraryUnusable: the disk cannot be read or written.
        """
        with self._reindexing:
            self._learning = self._index.made_anew
            try:
                self._reindex(report)
            finally:
                self._learning = False

    def _reindex(self, report: Report) -> None:
        began = time.time()
        folders = list(self._disk.tree.folders())
        stamps = {folder: self._stamp(folder) for folder in folders}
        entries = self._all(folders)
        tasks = (_task(self._disk, entry, arrived) for arrived, entry in entries)
        beside = self._index.path.with_name(BESIDE)
        report(Progress(0, len(entries)))
        try:
            with preparing(len(entries) > ALONE) as prepare:
                batches = _reported(prepare(tasks), len(entries), report)
                build(beside, batches, _settled(stamps, began), key_of)
            self._index.replace(beside)
        except (sqlite3.Error, OSError) as error:
            raise unusable(self._index.path, error) from error

    def _all(self, folders: Iterable[Folder]) -> list[tuple[float, Entry]]:
        """All messages, in the order in which they came."""
        bases: set[str] = set()
        found = []
        for folder in folders:
            for entry in _scan(self._disk, folder):
                named = _renamed(self._disk, entry) if entry.base in bases else entry
                if named is not None:
                    bases.add(named.base)
                    found.append((_arrived(self._disk, named), named))
        found.sort(key=lambda one: one[0])
        return found

    def _stamp(self, folder: Folder) -> bytes:
        """The times of its directories; empty: it is not there."""
        directory = self._disk.tree.root / folder
        try:
            found = [(directory / part).stat() for part in PARTS if part != "tmp"]
        except OSError:
            return b""
        return b" ".join(b"%d %d" % (one.st_mtime_ns, one.st_ino) for one in found)


class _Look:
    """One comparison: first of each folder, then of what was found or missed in all of them."""

    def __init__(self, index: SqliteIndex, disk: Maildirs) -> None:
        self._index = index
        self._disk = disk
        self._unknown: list[Entry] = []
        """Not in their folders, as far as was known."""
        self._missing: dict[str, Folder] = {}
        """By base name: where they were."""
        self.arrived = 0
        self.changed: set[Folder] = set()

    def compare(self, folder: Folder) -> None:
        """What is in *folder* with what was known of it."""
        expected = self._index.files(folder)
        there = _names(self._disk.tree.root / folder) if self._disk.tree.has(folder) else set()
        odd = there - expected.keys()
        # What is not there under its name has gone from the folder, or has other flags; and what is odd is new, or is that.
        missing = {base for name, base in expected.items() if name not in there}
        known = set(expected.values()) - missing
        placed: list[tuple[MessageKey, Entry]] = []
        for entry in _entries(self._disk, folder, there, odd, known):
            if entry.base in missing:
                missing.discard(entry.base)
                placed.append((key_of(entry.base), entry))
            else:
                self._unknown.append(entry)
        self._missing.update(dict.fromkeys(missing, folder))
        self._place(placed)

    def note(self) -> None:
        """What came, what moved, what is gone."""
        new: list[tuple[float, Entry]] = []
        moved: list[tuple[MessageKey, Entry]] = []
        for found in self._unknown:
            key = key_of(found.base)
            there = self._index.entry(key)
            if there is None:
                new.append((_arrived(self._disk, found), found))
            elif self._has_left(there):
                moved.append((key, found))
                self.changed.add(there.folder)
            elif named := _renamed(self._disk, found):
                new.append((_arrived(self._disk, named), named))
        self._unknown.clear()
        self._place(moved)
        self._put(new)
        gone = [key_of(base) for base in self._missing]
        self.changed.update(self._missing.values())
        for start in range(0, len(gone), _AT_ONCE):
            self._index.drop(gone[start : start + _AT_ONCE])

    def _has_left(self, entry: Entry) -> bool:
        """Whether a message that is in another folder now is gone from this one, not copied."""
        return self._missing.pop(entry.base, None) is not None or not os.path.lexists(
            self._disk.path(entry)
        )

    def _put(self, new: list[tuple[float, Entry]]) -> None:
        new.sort(key=lambda one: one[0])
        with preparing(len(new) > ALONE) as prepare:
            for batch in prepare(_task(self._disk, entry, arrived) for arrived, entry in new):
                self._index.put_prepared(batch)
                self.arrived += len(batch)
                self.changed.update(arrival.entry.folder for arrival in batch)

    def _place(self, placed: list[tuple[MessageKey, Entry]]) -> None:
        self.changed.update(entry.folder for _, entry in placed)
        for start in range(0, len(placed), _AT_ONCE):
            self._index.place(placed[start : start + _AT_ONCE])


def _names(directory: Path) -> set[str]:
    """Of all that lies in ``new`` and ``cur``, with these before it."""
    found: set[str] = set()
    for part in (files.NEW, files.CUR):
        with usable(directory), suppress(FileNotFoundError), os.scandir(directory / part) as there:
            found.update([f"{part}/{one.name}" for one in there if one.name[0] != "."])
    return found


def _entries(
    disk: Maildirs, folder: Folder, there: set[str], odd: set[str], known: set[str]
) -> Iterator[Entry]:
    """The messages in the files with *odd* names among those that are *there*. *known*: base names of the others."""
    if not odd:
        return
    bases = {_base(name) for name in odd}
    if len(bases) == len(odd) and bases.isdisjoint(known):
        directory = disk.tree.root / folder
        with usable(disk.tree.root):
            if all(files.is_file(directory / name) for name in odd):
                yield from files.named(directory, folder, odd)
            else:  # something has been renamed meanwhile
                yield from files.search(directory, folder, bases)
        return
    # Two files with one base name: one gets another name, which a whole scan does.
    others = there - odd
    for entry in _scan(disk, folder):
        if files.place_of(entry) not in others:
            yield entry


def _base(name: str) -> str:
    """Of a file in ``new`` or ``cur``."""
    return name[len("cur/") :].partition(":")[0]


def _scan(disk: Maildirs, folder: Folder) -> Iterator[Entry]:
    """Nothing, if it has been removed."""
    try:
        yield from disk.scan(folder)
    except NoSuchFolder:
        return


def _renamed(disk: Maildirs, entry: Entry) -> Entry | None:
    """With a base name of its own: there is another message of that name, copied by hand. None: it is gone."""
    base = new_base()
    (done,) = disk.refile([entry], lambda one: replace(one, base=base))
    return done.after if done else None


def _task(disk: Maildirs, entry: Entry, arrived: float) -> Task:
    return Task(key_of(entry.base), entry, disk.path(entry), arrived)


def _arrived(disk: Maildirs, entry: Entry) -> float:
    """When it came: its name says so, or else the time of its file."""
    match = _TIME.match(entry.base)
    if match:
        return float(match[1])
    try:
        return disk.path(entry).stat().st_mtime
    except OSError:
        return 0.0


def _settled(stamps: Mapping[Folder, bytes], began: float) -> dict[Folder, bytes]:
    """Those that were over for a while at that time."""
    latest = (began - SETTLED) * 1e9
    return {
        folder: stamp
        for folder, stamp in stamps.items()
        if stamp and all(int(mtime) < latest for mtime in stamp.split()[::2])
    }


def _reported(
    batches: Iterable[list[Arrival]], total: int, report: Report
) -> Iterator[list[Arrival]]:
    done = 0
    for batch in batches:
        yield batch
        done = min(total, done + BATCH)  # also those that were gone when it was their turn
        report(Progress(done, total))
