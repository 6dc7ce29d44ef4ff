"""Mail of other programs comes into a folder, each message once.

The base name of an imported message is made of its octets. So one that an import has brought is known again wherever it
is by now, and the import can be repeated after a crash, or when there is more. Mail that came to the folder in another way
is compared by size, then octet by octet.

What other programs have noted of a message is kept, if it says so (a Maildir's names; ``Status``, ``X-Status`` and
``X-Mozilla-Status`` in an mbox); else it counts as read: what is imported is old mail.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.contracts import Report
from pillarbox.reader.errors import NoSuchMessage, NotImportable
from pillarbox.reader.library.arrivals import Arrival
from pillarbox.reader.library.names import key_of
from pillarbox.reader.library.shelf import Shelf
from pillarbox.reader.mail.summary import Summary, summarise
from pillarbox.reader.model import Entry, Flag, Folder, Imported, Progress
from pillarbox.sources.found import Found, Source, SourceUnusable
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


def bring_in(shelf: Shelf, source: Path, into: Folder, report: Report) -> Imported:
    """See :meth:`pillarbox.reader.contracts.Filing.bring_in`."""
    shelf.tree.directory(into)
    with closing(_open(source)) as messages:
        return _Import(shelf, into, messages.total, report).run(messages)


class _Import:
    """One of them."""

    def __init__(self, shelf: Shelf, into: Folder, total: int, report: Report) -> None:
        self._shelf = shelf
        self._into = into
        self._total = total
        self._report = report
        self._done = self._added = self._known = self._failures = 0
        self._failed: list[tuple[str, str]] = []
        self._there = _There(shelf, into)
        self._batch: dict[str, tuple[Arrival, Summary]] = {}

    def run(self, source: Source) -> Imported:
        """Raises NotImportable, LibraryUnusable: what was added stays."""
        octets = 0
        try:
            for found in source:
                octets += self._take(found)
                self._done += found.units
                if len(self._batch) >= BATCH or octets >= BATCH_OCTETS:
                    self._store()
                    octets = 0
        except SourceUnusable as error:
            raise NotImportable(f"{error}.") from error
        finally:
            self._store()
        return Imported(self._added, self._known, tuple(self._failed), self._failures)

    def _take(self, found: Found) -> int:
        """How much memory it takes."""
        if found.raw is None:
            self._failures += 1
            if len(self._failed) < MAX_TOLD:
                self._failed.append((found.label, found.problem))
            return 0
        flags = _flags_of(found)
        message = found.raw.replace(b"\r\n", b"\n")
        if flags is None:
            return 0  # deleted in the program that it comes from
        summary = summarise(message)
        date = summary.date.timestamp() if summary.date else self._shelf.now()
        digest = hashlib.blake2b(message, digest_size=20).hexdigest()
        base = f"{max(0, int(date)) if summary.date else 0}.I{digest}.import,S={len(message)}"
        if base in self._batch or self._there.has(base, message):
            self._known += 1
            return 0
        self._batch[base] = Arrival(message, flags, base, date), summary
        return len(message)

    def _store(self) -> None:
        shelf = self._shelf
        if not self._batch:
            self._report(Progress(self._done, self._total))
            return
        with shelf.changing:
            # Once more: others may have added the same since.
            arrivals = [
                (arrival, summary)
                for base, (arrival, summary) in self._batch.items()
                if shelf.index.entry(key_of(base)) is None
            ]
            self._known += len(self._batch) - len(arrivals)
            self._batch = {}
            entries = shelf.maildirs.add(self._into, [arrival for arrival, _ in arrivals])
            shelf.index.put(
                (entry, summary, arrival.arrived or shelf.now())
                for entry, (arrival, summary) in zip(entries, arrivals, strict=True)
            )
        self._added += len(arrivals)
        self._report(Progress(self._done, self._total))
        if arrivals:
            shelf.tell([self._into], arrived=len(arrivals))


class _There:
    """What is in the library already."""

    def __init__(self, shelf: Shelf, into: Folder) -> None:
        self._shelf = shelf
        self._by_size: dict[int, list[Entry]] = defaultdict(list)
        self._imported: set[str] = set()
        """Base names on disk that the index may not know yet: of an import that was killed."""
        for folder in shelf.tree.folders():
            for entry in shelf.maildirs.scan(folder):
                if ".import,S=" in entry.base:
                    self._imported.add(entry.base)
                elif folder == into:
                    self._by_size[_size(shelf.maildirs.path(entry))].append(entry)

    def has(self, base: str, message: bytes) -> bool:
        if base in self._imported or self._shelf.index.entry(key_of(base)) is not None:
            return True
        return any(self._holds(entry, message) for entry in self._by_size.get(len(message), ()))

    def _holds(self, entry: Entry, message: bytes) -> bool:
        try:
            return self._shelf.maildirs.read(entry) == message
        except NoSuchMessage:
            return False


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return -1


def _open(path: Path) -> Source:
    """Raises NotImportable."""
    try:
        if (path / "cur").is_dir() and (path / "new").is_dir():
            return Maildir(path)
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
        raise NotImportable(f"{path} cannot be read: {error.strerror}.") from error
    raise NotImportable(
        f"{path.name} is no mail that can be imported. Choose an mbox file, an .eml file, a Maildir, or "
        "a folder with .eml files; unpack an archive first."
    )


def _flags_of(found: Found) -> frozenset[Flag] | None:
    """None: it has been deleted there."""
    if found.flags is not None:
        return frozenset(_KNOWN_FLAGS[each] for each in found.flags if each in _KNOWN_FLAGS)
    header = re.split(rb"\r?\n\r?\n", (found.raw or b"")[:HEAD], maxsplit=1)[0]
    said = list(_said(header))
    if None in said:
        return None
    return (
        frozenset(flag for flag in said if flag)
        if _STATUS.search(header)
        else frozenset({Flag.SEEN})
    )


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
