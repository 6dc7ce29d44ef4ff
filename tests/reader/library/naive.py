"""An index that knows no words, and a look that compares everything: enough for tests of what is on disk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pillarbox.reader.contracts import Index, Report
from pillarbox.reader.library.library import Looked
from pillarbox.reader.library.maildirs import Maildirs
from pillarbox.reader.library.names import key_of
from pillarbox.reader.mail.summary import Summary, summarise
from pillarbox.reader.model import (
    Contact,
    Entry,
    Flag,
    Folder,
    MessageKey,
    Page,
    Progress,
    Row,
)


class NaiveIndex:
    def __init__(self) -> None:
        self.known: dict[MessageKey, tuple[Entry, Summary, float]] = {}

    def put(self, arrivals: Iterable[tuple[Entry, Summary, float]]) -> Sequence[MessageKey]:
        keys = []
        for entry, summary, arrived in arrivals:
            key = key_of(entry.base)
            self.known.setdefault(key, (entry, summary, arrived))
            keys.append(key)
        return keys

    def drop(self, keys: Collection[MessageKey]) -> None:
        for key in keys:
            self.known.pop(key, None)

    def place(self, moved: Iterable[tuple[MessageKey, Entry]]) -> None:
        for key, entry in moved:
            if key in self.known:
                self.known[key] = (entry, *self.known[key][1:])

    def folder_renamed(self, old: Folder, new: Folder) -> None:
        for key, (entry, *rest) in list(self.known.items()):
            if entry.folder == old:
                self.known[key] = (replace(entry, folder=new), *rest)  # type: ignore[assignment]

    def entries(self, folder: Folder) -> dict[str, tuple[MessageKey, Entry]]:
        found = {key: entry for key, (entry, *_) in self.known.items() if entry.folder == folder}
        return {entry.base: (key, entry) for key, entry in found.items()}

    def entry(self, key: MessageKey) -> Entry | None:
        return self.known[key][0] if key in self.known else None

    def key_of(self, base: str) -> MessageKey | None:
        return key_of(base) if key_of(base) in self.known else None

    def counts(self) -> dict[Folder, tuple[int, int]]:
        counts: dict[Folder, tuple[int, int]] = {}
        for entry, *_ in self.known.values():
            total, unseen = counts.get(entry.folder, (0, 0))
            counts[entry.folder] = (total + 1, unseen + (Flag.SEEN not in entry.flags))
        return counts

    def page(self, folders: Collection[Folder], first: int, count: int) -> Page:
        rows = [row for row in self._rows() if row.folder in folders]
        return Page(rows[first : first + count], first, len(rows))

    def search(self, query: str, first: int, count: int, *, within: Collection[Folder]) -> Page:
        rows = [row for row in self._rows() if query in row.subject]
        rows = [
            row for row in rows if row.folder in within or (not within and row.folder != "Trash")
        ]
        return Page(rows[first : first + count], first, len(rows))

    def find(self, key: MessageKey) -> Row | None:
        return next((row for row in self._rows() if row.key == key), None)

    def thread(self, key: MessageKey) -> Sequence[Row]:
        found = self.find(key)
        return [row for row in self._rows() if found and row.subject == found.subject]

    def with_message_id(self, message_id: str) -> Sequence[Row]:
        return [row for row in self._rows() if self.known[row.key][1].message_id == message_id]

    def correspondents(self, beginning: str, count: int) -> Sequence[Contact]:
        return []

    def keys_in(self, folder: Folder) -> Sequence[MessageKey]:
        return [key for key, _ in self.entries(folder).values()]

    def _rows(self) -> list[Row]:
        rows = [
            Row(
                key,
                entry.folder,
                summary.subject,
                summary.sender,
                summary.to,
                summary.date or datetime.fromtimestamp(arrived, UTC),
                summary.opening,
                summary.octets,
                entry.flags,
            )
            for key, (entry, summary, arrived) in self.known.items()
        ]
        return sorted(rows, key=lambda row: (row.date, row.key), reverse=True)


class NaiveSurvey:
    def __init__(self, maildirs: Maildirs, index: Index) -> None:
        self._maildirs, self._index = maildirs, index

    def look(self, folders: Collection[Folder]) -> Looked:
        arrived, changed = 0, set()
        there: dict[str, Entry] = {}
        for folder in folders:
            if self._maildirs.tree.has(folder):
                there |= {entry.base: entry for entry in self._maildirs.scan(folder)}
        for folder in folders:
            for base, (key, _) in self._index.entries(folder).items():
                if base not in there:
                    self._index.drop([key])
                    changed.add(folder)
        for base, entry in there.items():
            known = self._index.entry(key_of(base))
            if known is None:
                summary = summarise(self._maildirs.read(entry))
                self._index.put([(entry, summary, 0.0)])
                arrived += 1
                changed.add(entry.folder)
            elif known != entry:
                self._index.place([(key_of(base), entry)])
                changed |= {entry.folder, known.folder}
        return Looked(arrived, frozenset(changed))

    def reindex(self, report: Report) -> None:
        folders = set(self._maildirs.tree.folders())
        for folder in folders:
            self._index.drop(self._index.keys_in(folder))
        report(Progress(self.look(folders).arrived, 1))
