"""Mail of other programs comes into a folder, and into folders in it as they were there, each message once.

The base name of an imported message is made of its octets, but for what other programs note in it. So one that an import has brought is known again wherever it
is by now, and the import can be repeated after a crash, or when there is more. But what lies in Trash is about to go: it is
fetched from there. Mail that came to the folder in another way is compared by size, then octet by octet.

What other programs have noted of a message is kept (:mod:`.noted`). What they say is deleted goes to Trash: in an mbox the
fields that say so may as well be the sender's, who shall not make mail disappear. In a file of its own they are the sender's. A
message that was moved lies in an mbox as a deleted one, until that is compacted: it is brought to where it was moved to only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from pillarbox.reader.contracts import Report
from pillarbox.reader.errors import BadFolderName, NotImportable
from pillarbox.reader.library.arrivals import Arrival
from pillarbox.reader.library.named import boxes_of
from pillarbox.reader.library.names import folder_like, holds_folders
from pillarbox.reader.library.noted import flags_of, identities
from pillarbox.reader.library.shelf import Shelf
from pillarbox.reader.library.there import There, is_in_trash
from pillarbox.reader.library.trouble import usable
from pillarbox.reader.mail.summary import Summary, summarise
from pillarbox.reader.model import TRASH, Entry, Folder, Imported, Progress
from pillarbox.reader.sentences import shown
from pillarbox.sources.boxes import Box
from pillarbox.sources.found import Found, Source, SourceUnusable
from pillarbox.sources.letters import Letters

BATCH = 100
"""Messages that are made durable at a time."""
BATCH_OCTETS = 16 * 1024 * 1024
"""Memory for a batch; one message may exceed it alone."""
MAX_TOLD = 100
"""Failures that are told one by one."""


def bring_in(shelf: Shelf, source: Path, into: Folder, report: Report) -> Imported:
    """See :meth:`pillarbox.reader.contracts.Filing.bring_in`."""
    shelf.tree.directory(into)
    boxes = boxes_of(source, shelf.tree)
    if any(box.name for box in boxes) and not holds_folders(into):
        why = f"has folders in it, and {into} holds none. Choose another place for them."
        raise NotImportable(shown(f"{source}: {why}"))
    return _Import(shelf, source, into, boxes, report).run()


class _Wanted(NamedTuple):
    """A message, and where it shall be."""

    folder: Folder
    arrival: Arrival
    summary: Summary
    bases: Sequence[str]
    """What it may be called, if it is there already."""


@dataclass(slots=True)
class _Counts:
    """What has come of it so far."""

    added: int = 0
    known: int = 0
    deleted: int = 0
    failures: int = 0


class _Import:
    """One of them."""

    def __init__(
        self, shelf: Shelf, source: Path, into: Folder, boxes: Sequence[Box], report: Report
    ) -> None:
        self._shelf = shelf
        self._source = source
        self._into = into
        self._boxes = boxes
        self._report = report
        self._octets = self._done = 0
        self._total = sum(box.octets for box in boxes)
        self._counts = _Counts()
        self._failed: list[tuple[str, str]] = []
        self._elsewhere: Counter[Folder] = Counter()
        self._within: Counter[Folder] = Counter()
        self._thrown: set[str] = set()
        """Base names of what it has put into Trash."""
        self._there = There(shelf)
        self._batch: dict[str, _Wanted] = {}

    def run(self) -> Imported:
        """Raises NotImportable, LibraryUnusable: what was added stays."""
        for box in self._boxes:
            try:
                self._take_box(box)
            except (SourceUnusable, BadFolderName) as error:
                why = str(error).removeprefix(f"{box.path}: ").removesuffix(".")
                if box.path == self._source and len(self._boxes) == 1:
                    raise NotImportable(shown(f"{self._source}: {why}.")) from error
                self._fail(self._label(box), why)
        return self._outcome()

    def _take_box(self, box: Box) -> None:
        """Raises SourceUnusable, BadFolderName: the others can still be taken."""
        into = self._shelf.tree.spelt(folder_like(self._into, box.name))
        begun = self._done
        try:
            with closing(box.open()) as source:
                self._take_all(box, source, into)
            self._done = begun + box.octets
        finally:
            self._store()  # what is wrong with the next one's folder is nothing to this one

    def _take_all(self, box: Box, source: Source, into: Folder) -> None:
        told = not isinstance(source, Letters)
        for found in source:
            if found.raw is None:
                self._fail(self._label(box, found.label), found.problem)
            else:
                self._octets += self._take(found, found.raw, into, deletions_told=told)
            self._done += found.units * box.unit
            if len(self._batch) >= BATCH or self._octets >= BATCH_OCTETS:
                self._store()

    def _label(self, box: Box, label: str = "") -> str:
        """What to call it, or a message in it."""
        if box.path == self._source:
            return label or str(self._source)
        return ", ".join(filter(None, (str(box.path.relative_to(self._source)), label)))

    def _fail(self, label: str, why: str) -> None:
        self._counts.failures += 1
        if len(self._failed) < MAX_TOLD:
            self._failed.append((shown(label), shown(why)))

    def _outcome(self) -> Imported:
        return Imported(
            self._counts.added,
            self._counts.known,
            tuple(self._failed),
            self._counts.failures,
            self._counts.deleted,
            tuple(self._elsewhere.items()),
            tuple((+self._within).items()),
        )

    def _take(self, found: Found, raw: bytes, into: Folder, *, deletions_told: bool) -> int:
        """How much memory it takes."""
        flags, said_deleted = flags_of(found, raw)
        deleted = said_deleted and deletions_told
        folder = TRASH if deleted else into
        message = raw.replace(b"\r\n", b"\n")
        summary = summarise(message)
        date = summary.date.timestamp() if summary.date else self._shelf.now()
        began = max(0, int(date)) if summary.date else 0
        base, *before = (f"{began}.{each}" for each in identities(message))
        bases = self._there.names(base, before)
        waiting = self._batch.get(base)
        place = waiting.folder if waiting else self._there.where(bases, message, folder)
        if place is not None:
            self._counts.known += 1
            if not waiting and place != into and (place == TRASH or not deleted):
                self._elsewhere[place] += 1
            if not waiting or not is_in_trash(waiting.folder, folder):
                return 0
        self._batch[base] = _Wanted(folder, Arrival(message, flags, base, date), summary, bases)
        return len(message)

    def _store(self) -> None:
        batch, self._batch, self._octets = self._batch, {}, 0
        try:
            with self._shelf.changing:
                folders = dict.fromkeys(wanted.folder for wanted in batch.values())
                self._make(folders)
                taken = self._fetch_back(batch)
                for folder in folders:
                    # Once more: others may have added the same since.
                    new = [
                        wanted
                        for wanted in batch.values()
                        if wanted.folder == folder
                        and not self._there.is_noted(wanted.bases, folder)
                    ]
                    taken += self._add(folder, new)
            self._counts.known += len(batch) - taken
        finally:
            done = min(self._done, self._total)
            self._report(Progress(done, self._total, imported=self._outcome()))

    def _make(self, folders: Iterable[Folder]) -> None:
        tree = self._shelf.tree
        with usable(tree.root):
            for folder in folders:
                if folder != self._into and not tree.has(folder):
                    tree.make(folder)

    def _fetch_back(self, batch: dict[str, _Wanted]) -> int:
        """Those of *batch* that lie in Trash, and are wanted elsewhere; how many. What is nowhere the index forgets thereby."""
        thrown_away: dict[str, tuple[Entry, _Wanted]] = {}
        for wanted in batch.values():
            entry = self._there.find(wanted.bases)
            if entry and is_in_trash(entry.folder, wanted.folder):
                thrown_away[entry.base] = entry, wanted

        def moved(entry: Entry) -> Entry:
            _, wanted = thrown_away[entry.base]
            if not is_in_trash(entry.folder, wanted.folder):
                return entry
            return replace(entry, folder=wanted.folder, flags=wanted.arrival.flags, new=False)

        entries = [entry for entry, _ in thrown_away.values()]
        steps = self._shelf.refile(entries, moved) if entries else ()
        again = self._thrown.intersection(step.after.base for step in steps)
        self._thrown -= again
        self._counts.deleted -= len(again)
        self._counts.known += len(again)
        for step in steps:
            self._added(step.after.folder, 1)
        return len(steps)

    def _add(self, folder: Folder, new: list[_Wanted]) -> int:
        """How many."""
        shelf = self._shelf
        if not new:
            return 0
        entries = shelf.maildirs.add(folder, [wanted.arrival for wanted in new])
        shelf.index.put(
            (entry, wanted.summary, wanted.arrival.arrived or shelf.now())
            for entry, wanted in zip(entries, new, strict=True)
        )
        thrown = folder == TRASH != self._into
        if thrown:
            self._counts.deleted += len(new)
            self._thrown.update(wanted.arrival.base or "" for wanted in new)
        else:
            self._added(folder, len(new))
        shelf.tell([folder], arrived=0 if thrown else len(new))
        return len(new)

    def _added(self, folder: Folder, count: int) -> None:
        self._counts.added += count
        if folder != self._into:
            self._within[folder] += count
