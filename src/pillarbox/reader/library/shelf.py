"""Files and index side by side: what is done to messages is done on disk first, then noted in the index.

A crash between the two is found out by the next look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from pillarbox.reader.contracts import Clock, Index
from pillarbox.reader.errors import NoSuchMessage
from pillarbox.reader.library.maildirs import Maildirs, Refiled
from pillarbox.reader.library.memory import Memory
from pillarbox.reader.library.names import key_of
from pillarbox.reader.library.rules import RulesFile
from pillarbox.reader.library.trash import TrashTimes
from pillarbox.reader.library.tree import Tree
from pillarbox.reader.mail.summary import Summary, summarise
from pillarbox.reader.model import TRASH, Entry, Folder, MessageKey
from pillarbox.reader.news import MailChanged, News

BATCH = 500
"""Messages that are erased, sorted or noted at a time: a few syncs for all of them, some MB."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the parts of a library share. *changing* is held by whoever changes files and index."""

    tree: Tree
    maildirs: Maildirs
    index: Index
    rules: RulesFile
    trash: TrashTimes
    news: News
    clock: Clock
    accounts: Callable[[], Collection[str] | None]
    """Those there are: an inbox without one is the user's own. None: all inboxes are somebody's."""
    memory: Memory = field(default_factory=Memory)
    changing: threading.RLock = field(default_factory=threading.RLock)

    def entries(self, keys: Iterable[MessageKey]) -> list[Entry]:
        """What the index knows of *keys*, each once; unknown ones are passed over."""
        found = (self.index.entry(key) for key in dict.fromkeys(keys))
        return [entry for entry in found if entry is not None]

    def unnoted(self, keys: Iterable[MessageKey]) -> list[Entry]:
        """Those of *keys*, which the index does not know, that the disk has: the index is being made anew, say. Looks at
        every name there is, if there is any of them.

        Raises:
            LibraryUnusable: the disk cannot be read.
        """
        wanted = set(keys)
        if not wanted:
            return []
        there = (each for folder in self.tree.folders() for each in self.maildirs.scan(folder))
        return [entry for entry in there if key_of(entry.base) in wanted]

    def entry(self, key: MessageKey) -> Entry:
        """Raises NoSuchMessage."""
        entry = self.index.entry(key)
        if entry is None:
            raise NoSuchMessage("This message is not there any more: it has been removed.")
        return entry

    def refile(
        self,
        entries: Sequence[Entry],
        change: Callable[[Entry], Entry],
        *,
        known: bool = False,
    ) -> tuple[Refiled, ...]:
        """Those that *change* has changed, which is told as news. *known*: the index has just named them all.

        Raises:
            NoSuchFolder, LibraryUnusable: as :meth:`.maildirs.Maildirs.refile`.
        """
        with self.changing:
            results = self.maildirs.refile(entries, change)
            steps = tuple(each for each in results if each and each.before != each.after)
            self._note_trash(steps)
            self._note(zip(entries, results, strict=True), known=known)
        self.tell(entry.folder for step in steps for entry in step)
        return steps

    def put(self, entries: Sequence[tuple[Entry, float]]) -> None:
        """Note messages that are on disk and were not known, and when they arrived."""
        with self.changing:
            self.index.put(self._summarised(entries))

    def erase(self, entries: Sequence[Entry]) -> int:
        """Remove for good those that are in Trash; how many.

        Raises:
            LibraryUnusable: a part of them may be gone.
        """
        erased = 0
        mine = [entry for entry in entries if entry.folder == TRASH]
        for start in range(0, len(mine), BATCH):
            with self.changing:
                gone = self.maildirs.erase(mine[start : start + BATCH])
                self.index.drop([key_of(entry.base) for entry in gone])
            erased += len(gone)
        if erased:
            self.tell([TRASH])
        return erased

    def tell(self, folders: Iterable[Folder], arrived: int = 0) -> None:
        """The news that there is something else in *folders*; nothing if there are none."""
        if changed := frozenset(folders):
            self.news.tell(MailChanged(changed, arrived))

    def now(self) -> float:
        """POSIX time."""
        return self.clock().timestamp()

    def _note(self, results: Iterable[tuple[Entry, Refiled | None]], *, known: bool) -> None:
        """In the index: where messages are, which ones are gone, which have another name."""
        placed: list[tuple[MessageKey, Entry]] = []
        gone: list[MessageKey] = []
        unknown: list[tuple[Entry, float]] = []
        for thought, found in results:
            key = key_of(thought.base)
            same = found and found.after.base == thought.base
            if found and same and (known or self.index.entry(key)):
                placed.append((key, found.after))
                continue
            gone.append(key)
            if found:
                unknown.append((found.after, self.now()))
        self.index.place(placed)
        self.index.drop(gone)
        self.put(unknown)

    def _note_trash(self, steps: Iterable[Refiled]) -> None:
        moved = [
            step for step in steps if (step.before.folder == TRASH) != (step.after.folder == TRASH)
        ]
        if moved:
            self.trash.forget({entry.base for step in moved for entry in step})

    def _summarised(
        self, entries: Iterable[tuple[Entry, float]]
    ) -> Iterator[tuple[Entry, Summary, float]]:
        for entry, arrived in entries:
            try:
                yield entry, summarise(self.maildirs.read(entry)), arrived
            except NoSuchMessage:
                continue


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Of :data:`BATCH` at most."""
    rest = iter(entries)
    while batch := list(islice(rest, BATCH)):
        yield batch


def keys_of(steps: Collection[Refiled]) -> tuple[MessageKey, ...]:
    """Of the messages, as they are called now."""
    return tuple(key_of(step.after.base) for step in steps)
