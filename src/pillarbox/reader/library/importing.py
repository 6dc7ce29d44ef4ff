"""Mail of other programs comes into a folder, each message once.

The base name of an imported message is made of its octets. So one that an import has brought is known again wherever it
is by now, and the import can be repeated after a crash, or when there is more. But what lies in Trash is about to go: it is
fetched from there. Mail that came to the folder in another way is compared by size, then octet by octet.

What other programs have noted of a message is kept, if it says so (a Maildir's names; ``Status``, ``X-Status`` and
``X-Mozilla-Status`` in an mbox); else it counts as read: what is imported is old mail. What they say is deleted goes to Trash:
in an mbox these fields may as well be the sender's, who shall not make mail disappear. In a file of its own they are the sender's.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.contracts import Report
from pillarbox.reader.errors import NoSuchMessage, NotImportable
from pillarbox.reader.library.arrivals import Arrival
from pillarbox.reader.library.names import key_of
from pillarbox.reader.library.shelf import Shelf
from pillarbox.reader.mail.summary import Summary, summarise
from pillarbox.reader.model import TRASH, Entry, Flag, Folder, Imported, Progress
from pillarbox.sources.found import Found, Source, SourceUnusable, trouble_with
from pillarbox.sources.letters import HEAD, Letters, is_letter
from pillarbox.sources.maildir import Maildir
from pillarbox.sources.mbox import Mbox

BATCH = 100
"""Messages that are made durable at a time."""
BATCH_OCTETS = 16 * 1024 * 1024
"""Memory for a batch; one message may exceed it alone."""
MAX_TOLD = 100
"""Failures that are told one by one."""
_STATUS = re.compile(
    rb"^(X-Mozilla-Status|X-Status|Status):[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE
)
_MBOX_LETTERS = {"R": Flag.SEEN, "A": Flag.REPLIED, "F": Flag.FLAGGED}
_MOZILLA_BITS = {0x1: Flag.SEEN, 0x2: Flag.REPLIED, 0x4: Flag.FLAGGED, 0x1000: Flag.PASSED}
_MOZILLA_EXPUNGED = 0x8
_KNOWN_FLAGS = {flag.value: flag for flag in Flag}
_TRASHED = "T"


def bring_in(shelf: Shelf, source: Path, into: Folder, report: Report) -> Imported:
    """See :meth:`pillarbox.reader.contracts.Filing.bring_in`."""
    shelf.tree.directory(into)
    with closing(_open(source)) as messages:
        return _Import(shelf, into, messages.total, report).run(messages)


class _Wanted(NamedTuple):
    """A message, and where it shall be."""

    folder: Folder
    arrival: Arrival
    summary: Summary


class _Import:
    """One of them."""

    def __init__(self, shelf: Shelf, into: Folder, total: int, report: Report) -> None:
        self._shelf = shelf
        self._into = into
        self._total = total
        self._report = report
        self._done = self._added = self._known = self._deleted = self._failures = 0
        self._failed: list[tuple[str, str]] = []
        self._elsewhere: Counter[Folder] = Counter()
        self._there = _There(shelf, into)
        self._batch: dict[str, _Wanted] = {}

    def run(self, source: Source) -> Imported:
        """Raises NotImportable, LibraryUnusable: what was added stays."""
        octets = 0
        told = not isinstance(source, Letters)
        try:
            for found in source:
                octets += self._take(found, deletions_told=told)
                self._done += found.units
                if len(self._batch) >= BATCH or octets >= BATCH_OCTETS:
                    self._store()
                    octets = 0
        except SourceUnusable as error:
            raise NotImportable(f"{error}.") from error
        finally:
            self._store()
        return self._outcome()

    def _outcome(self) -> Imported:
        return Imported(
            self._added,
            self._known,
            tuple(self._failed),
            self._failures,
            self._deleted,
            tuple(self._elsewhere.items()),
        )

    def _take(self, found: Found, *, deletions_told: bool) -> int:
        """How much memory it takes."""
        if found.raw is None:
            self._failures += 1
            if len(self._failed) < MAX_TOLD:
                self._failed.append((found.label, found.problem))
            return 0
        flags, deleted = _flags_of(found)
        folder = TRASH if deleted and deletions_told else self._into
        message = found.raw.replace(b"\r\n", b"\n")
        summary = summarise(message)
        date = summary.date.timestamp() if summary.date else self._shelf.now()
        digest = hashlib.blake2b(message, digest_size=20).hexdigest()
        base = f"{max(0, int(date)) if summary.date else 0}.I{digest}.import,S={len(message)}"
        place = folder if base in self._batch else self._there.where(base, message, folder)
        if place is not None:
            self._known += 1
            if place != self._into:
                self._elsewhere[place] += 1
            return 0
        self._batch[base] = _Wanted(folder, Arrival(message, flags, base, date), summary)
        return len(message)

    def _store(self) -> None:
        batch, self._batch = self._batch, {}
        before = self._added + self._deleted
        try:
            with self._shelf.changing:
                self._fetch_back(batch)
                for folder in dict.fromkeys(wanted.folder for wanted in batch.values()):
                    # Once more: others may have added the same since.
                    new = [
                        wanted
                        for base, wanted in batch.items()
                        if wanted.folder == folder and self._shelf.index.entry(key_of(base)) is None
                    ]
                    self._add(folder, new)
            self._known += len(batch) - (self._added + self._deleted - before)
        finally:
            self._report(Progress(self._done, self._total, imported=self._outcome()))

    def _fetch_back(self, batch: dict[str, _Wanted]) -> None:
        """Those of *batch* that lie in Trash, and are wanted elsewhere. What is nowhere the index forgets thereby."""
        thrown_away = [
            entry
            for base, wanted in batch.items()
            if (entry := self._there.find(base)) and _is_in_trash(entry, wanted.folder)
        ]

        def moved(entry: Entry) -> Entry:
            wanted = batch[entry.base]
            if not _is_in_trash(entry, wanted.folder):
                return entry
            return replace(entry, folder=wanted.folder, flags=wanted.arrival.flags, new=False)

        self._added += len(self._shelf.refile(thrown_away, moved)) if thrown_away else 0

    def _add(self, folder: Folder, new: list[_Wanted]) -> None:
        shelf = self._shelf
        if not new:
            return
        entries = shelf.maildirs.add(folder, [wanted.arrival for wanted in new])
        shelf.index.put(
            (entry, wanted.summary, wanted.arrival.arrived or shelf.now())
            for entry, wanted in zip(entries, new, strict=True)
        )
        if folder == self._into:
            self._added += len(new)
        else:
            self._deleted += len(new)
        shelf.tell([folder], arrived=len(new) if folder == self._into else 0)


class _There:
    """What is in the library already."""

    def __init__(self, shelf: Shelf, into: Folder) -> None:
        self._shelf = shelf
        self._by_size: dict[int, list[Entry]] = defaultdict(list)
        self._imported: dict[str, Entry] = {}
        """By base name, those on disk that the index may not know yet: of an import that was killed."""
        for folder in shelf.tree.folders():
            for entry in shelf.maildirs.scan(folder):
                if ".import,S=" in entry.base:
                    self._imported[entry.base] = entry
                elif folder == into:
                    self._by_size[_size(shelf.maildirs.path(entry))].append(entry)

    def where(self, base: str, message: bytes, wanted: Folder) -> Folder | None:
        """Where it is and may stay, in Trash only if it is *wanted* there; None: nowhere."""
        entry = self.find(base)
        if entry is not None and not _is_in_trash(entry, wanted):
            return entry.folder
        same_size = self._by_size.get(len(message), ())
        return next((one.folder for one in same_size if self._holds(one, message)), None)

    def find(self, base: str) -> Entry | None:
        """One that an import has brought."""
        return self._shelf.index.entry(key_of(base)) or self._imported.get(base)

    def _holds(self, entry: Entry, message: bytes) -> bool:
        try:
            return self._shelf.maildirs.read(entry) == message
        except NoSuchMessage:
            return False


def _is_in_trash(entry: Entry, wanted: Folder) -> bool:
    """And shall not be."""
    return entry.folder == TRASH != wanted


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return -1


def _open(path: Path) -> Source:
    """Raises NotImportable, whose sentence begins with the path."""
    try:
        if (path / "cur").is_dir() and (path / "new").is_dir():
            return Maildir(path, with_trashed=True)
        if path.is_dir():
            return Letters(path)
        with path.open("rb") as file:
            head = file.read(HEAD)
        if head.lstrip().startswith(b"From "):
            return Mbox(path)
        if is_letter(head):
            return Letters(path)
    except PillarboxError as error:
        raise NotImportable(f"{error}.") from error
    except OSError as error:
        raise NotImportable(f"{path}: cannot be read: {error.strerror}.") from error
    why = trouble_with(head) or (
        "is no mail that can be imported: neither an mbox nor an .eml file; unpack an archive first"
    )
    raise NotImportable(f"{path}: {why}.")


def _flags_of(found: Found) -> tuple[frozenset[Flag], bool]:
    """And whether it is said to have been deleted."""
    if found.flags is not None:
        flags = (_KNOWN_FLAGS[each] for each in found.flags if each in _KNOWN_FLAGS)
        return frozenset(flags), _TRASHED in found.flags
    header = re.split(rb"\r?\n\r?\n", (found.raw or b"")[:HEAD], maxsplit=1)[0]
    if not _STATUS.search(header):
        return frozenset({Flag.SEEN}), False
    said = list(_said(header))
    return frozenset(flag for flag in said if flag), None in said


def _said(header: bytes) -> Iterator[Flag | None]:
    """None: deleted."""
    for name, value in _STATUS.findall(header):
        if name.lower() != b"x-mozilla-status":
            yield from (
                _MBOX_LETTERS[each] for each in value.decode("latin-1") if each in _MBOX_LETTERS
            )
            if b"D" in value and name.lower() == b"x-status":
                yield None
            continue
        try:
            bits = int(value, 16)
        except ValueError:
            continue
        yield from (flag for bit, flag in _MOZILLA_BITS.items() if bits & bit)
        if bits & _MOZILLA_EXPUNGED:
            yield None
