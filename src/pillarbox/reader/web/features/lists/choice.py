"""Which messages an action is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from starlette.datastructures import FormData

from pillarbox.reader.contracts import Library
from pillarbox.reader.errors import NoSuchMessage, ReaderError
from pillarbox.reader.model import MessageKey, Row
from pillarbox.reader.web.features.lists.listing import Listing
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
    but: frozenset[MessageKey] = frozenset()
    listing: Listing | None = None

    @classmethod
    def of(cls, form: FormData) -> Choice:
        """The fields ``m`` (repeated), ``all``, ``but`` (repeated), and those that name a list."""
        return cls(
            keys=tuple(dict.fromkeys(_keys(form, "m"))),
            everything=form.get("all") == "1",
            but=frozenset(_keys(form, "but")),
            listing=Listing.of(form),
        )

    def messages(self, library: Library, *, whole_threads: bool) -> Chosen:
        """The messages. A row of a list of threads stands for all that it has of its thread, if
        *whole_threads*. Blocking.

        Raises:
            NothingChosen: there is none.
        """
        keys: dict[MessageKey, None] = {}
        rows = 0
        for row in self._rows(library):
            rows += 1
            for key in self._thread(row, library) if whole_threads else (row.key,):
                if len(keys) >= AT_ONCE and key not in keys:
                    return Chosen(tuple(keys), rows, more=True)
                keys[key] = None
        if not keys:
            raise NothingChosen(
                "No message was chosen, or it is not there any more. Choose some in the list first."
            )
        return Chosen(tuple(keys), rows)

    def _rows(self, library: Library) -> Iterator[Row]:
        if self.everything and self.listing:
            # One more row than are taken: that is how it is known that there are more.
            rows = self.listing.rows(library, AT_ONCE + len(self.but) + 1)
            threads = self._kept_threads(library) if self.listing.threads else frozenset()
            yield from (
                row for row in rows if row.key not in self.but and row.thread not in threads
            )
            return
        yield from _found(library, self.keys)

    def _kept_threads(self, library: Library) -> frozenset[int]:
        """Those of *but*. A row is known by the latest message of its thread, and a later one may have come since."""
        return frozenset(row.thread for row in _found(library, self.but))

    def _thread(self, row: Row, library: Library) -> tuple[MessageKey, ...]:
        listing = self.listing
        alone = self.everything and row.in_thread == 1  # the list that it is of has counted
        if listing is None or not listing.threads or alone:
            return (row.key,)
        try:
            thread = library.thread(row.key)
        except NoSuchMessage:
            return ()
        return (row.key, *(one.key for one in thread if listing.holds(one.folder)))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The messages of a choice."""

    keys: tuple[MessageKey, ...]
    rows: int = 0
    """Of the list, that stand for them."""
    more: bool = False
    """There are more than :data:`AT_ONCE`."""

    @property
    def mark(self) -> str:
        """Of these messages and no others: who has said yes to them has not said it to more."""
        return sha256("".join(sorted(self.keys)).encode()).hexdigest()


def is_key(text: str) -> bool:
    """Whether *text* can be a message's key at all."""
    return _KEY.fullmatch(text) is not None


def _found(library: Library, keys: Iterable[MessageKey]) -> Iterator[Row]:
    for key in keys:
        try:
            yield library.find(key)
        except NoSuchMessage:
            continue


def _keys(form: FormData, name: str) -> Iterator[MessageKey]:
    return (MessageKey(key) for key in chosen(form.getlist(name)) if is_key(key))
