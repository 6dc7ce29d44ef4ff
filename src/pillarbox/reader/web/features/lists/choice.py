"""Which messages an action is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from starlette.datastructures import FormData

from pillarbox.reader.contracts import Library
from pillarbox.reader.errors import NoSuchMessage, ReaderError
from pillarbox.reader.model import TRASH, Folder, MessageKey, Row
from pillarbox.reader.web.features.lists.listing import Listing
from pillarbox.reader.web.features.lists.seen import AS_OF_NOW, Seen, moment_of
from pillarbox.reader.web.pages import chosen

AT_ONCE = 10_000
"""Messages that one action takes. Each is a file that moves; the page says so when there are more, and it can
be done again."""

_KEY = re.compile(r"[A-Za-z0-9_-]{22}")


class NothingChosen(ReaderError):
    """An action for no message."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a form has chosen: messages, or all of a list but some."""

    keys: tuple[MessageKey, ...]
    everything: bool = False
    """Of the list as it was at *since*, and *keys* besides."""
    since: int = AS_OF_NOW
    seen: int = AS_OF_NOW
    """As of when the page is on which *keys* were chosen: a row stands for what it had of its thread then."""
    but: frozenset[MessageKey] = frozenset()
    listing: Listing | None = None

    @classmethod
    def of(cls, form: FormData) -> Choice:
        """The fields ``m`` (repeated), ``seen``, ``all`` (a moment), ``but`` (repeated), and those that name a list."""
        return cls(
            keys=tuple(dict.fromkeys(_keys(form, "m"))),
            everything=bool(form.get("all")),
            since=moment_of(form.get("all")),
            seen=moment_of(form.get("seen")),
            but=frozenset(_keys(form, "but")),
            listing=Listing.of(form),
        )

    def messages(
        self, library: Library, *, whole_threads: bool, only: Folder | None = None
    ) -> Chosen:
        """The messages; *only*: those in that folder, of which there may be none. A row of a list of threads stands for all
        that it has of its thread, if *whole_threads*, else for the latest. Blocking.

        Raises:
            NothingChosen: no message was chosen that is there.
            TooOld: it is not known any more what the page had shown.
        """
        keys: dict[MessageKey, Folder] = {}
        rows = elsewhere = 0
        for members in self._rows(library, whole_threads=whole_threads):
            meant = [row for row in members if only in (None, row.folder)]
            elsewhere += len(members) - len(meant)
            new = [row for row in meant if row.key not in keys]
            rows += bool(new)
            for row in new:
                if len(keys) >= AT_ONCE:
                    return Chosen(tuple(keys), rows, _trashed(keys), more=True)
                keys[row.key] = row.folder
        if not keys and not elsewhere:
            raise NothingChosen(
                "No message was chosen, or it is not there any more. Choose some in the list first."
            )
        return Chosen(tuple(keys), rows, _trashed(keys))

    def _rows(self, library: Library, *, whole_threads: bool) -> Iterator[Sequence[Row]]:
        """Messages that are meant by each row."""
        listing = self.listing
        if self.everything and listing:
            for there in self._all(listing, library):
                yield there if whole_threads else there[:1]
        if listing and whole_threads and self.keys:
            rows = list(found(library, self.keys))
            threads = [listing.members(row, library, counted=False) for row in rows]
            seen = Seen.at(self.seen, listing, library)
            for row, members in zip(rows, threads, strict=True):
                yield [one for one in members if one.key == row.key or seen.has(one)]
        else:
            yield from ((row,) for row in found(library, self.keys))

    def _all(self, listing: Listing, library: Library) -> Iterator[Sequence[Row]]:
        """What was there of each row of the list, but of those that stay."""
        kept = self._kept_threads(library) if listing.threads else frozenset()
        passed = 0
        for rows in listing.batches(library):
            meant = [row for row in rows if row.key not in self.but and row.thread not in kept]
            threads = [listing.members(row, library, counted=True) for row in meant]
            # After these have been read: what comes while they are, nobody has seen.
            seen = Seen.at(self.since, listing, library)
            for members in threads:
                yield [one for one in members if seen.has(one)]
            passed += len(rows)
            # One more row than are taken: that is how it is known that there are more.
            if passed > AT_ONCE + len(self.but) + len(seen.since):
                return

    def _kept_threads(self, library: Library) -> frozenset[int]:
        """Those of *but*. A row is known by the latest message of its thread, and a later one may have come since."""
        return frozenset(row.thread for row in found(library, self.but))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The messages of a choice."""

    keys: tuple[MessageKey, ...]
    rows: int = 0
    """Of the list, that stand for them."""
    trashed: int = 0
    """Those of them that lie in Trash."""
    more: bool = False
    """There are more than :data:`AT_ONCE`."""

    @property
    def mark(self) -> str:
        """Of these messages and no others: who has said yes to them has not said it to more."""
        return sha256("".join(sorted(self.keys)).encode()).hexdigest()


def _trashed(keys: Mapping[MessageKey, Folder]) -> int:
    return sum(folder == TRASH for folder in keys.values())


def is_key(text: str) -> bool:
    """Whether *text* can be a message's key at all."""
    return _KEY.fullmatch(text) is not None


def found(library: Library, keys: Iterable[MessageKey]) -> Iterator[Row]:
    """Those of *keys* that are there. Blocking."""
    for key in keys:
        try:
            yield library.find(key)
        except NoSuchMessage:
            continue


def _keys(form: FormData, name: str) -> Iterator[MessageKey]:
    return (MessageKey(key) for key in chosen(form.getlist(name)) if is_key(key))
