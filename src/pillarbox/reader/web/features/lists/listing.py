"""Which list is looked at: a folder, or what a search finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlencode

from pillarbox.reader.contracts import Library
from pillarbox.reader.errors import NoSuchMessage
from pillarbox.reader.model import INBOX, TRASH, Folder, Hit, MessageKey, Page, Row

PAGE = 50
"""Rows that are sent at a time: some screens full, and a hundredth of a second to make."""

_AT_A_TIME = 500
"""Rows that are asked for at a time when all are wanted."""

MAX_QUERY = 1_000
"""Characters of a search. Nobody types more; the rest of what was pasted is left away."""


class Several(Protocol):
    """Query parameters, or the fields of a form."""

    def get(self, key: str, default: str = ...) -> object: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """A list, as its URL names it."""

    folder: Folder | None = None
    """None: a search, in *within*."""
    query: str = ""
    within: Folder | None = None

    @classmethod
    def of(cls, fields: Mapping[str, object] | Several) -> Listing | None:
        """The one that the fields ``list``, ``q`` and ``in`` of a form name; None: none."""
        if folder := _text(fields.get("list", "")):
            return cls(Folder(folder))
        if query := _text(fields.get("q", "")):
            return cls.search(query, _text(fields.get("in", "")))
        return None

    @classmethod
    def search(cls, query: str, within: str = "") -> Listing:
        """For *query*; *within* empty: everywhere."""
        return cls(query=query[:MAX_QUERY], within=Folder(within) if within else None)

    @property
    def threads(self) -> bool:
        """A row stands for all messages of its thread that are in the folder."""
        return self.folder is not None

    @property
    def path(self) -> str:
        """Its URL, without which part of it, and what is open."""
        return self.url()

    def url(self, first: int = 0, opened: str = "") -> str:
        """Its URL, from row *first* on, with message *opened* in the pane."""
        asked: dict[str, str] = {}
        if self.folder is None:
            asked = {"q": self.query} | ({"in": self.within} if self.within else {})
        if first:
            asked["first"] = str(first)
        if opened:
            asked["m"] = opened
        path = "/search" if self.folder is None else f"/mail/{quote(self.folder)}"
        return f"{path}?{urlencode(asked)}" if asked else path

    def page(self, library: Library, first: int, count: int = PAGE) -> Page:
        """Blocking. Raises :class:`pillarbox.reader.errors.NoSuchFolder`."""
        if self.folder is not None:
            return library.page(self.folder, first, count)
        return library.search(self.query, first, count, within=self.within)

    def hits(self, library: Library, rows: Sequence[Row]) -> Mapping[MessageKey, Hit]:
        """Where a search has found these *rows*, as far as they do not show it. Blocking."""
        if self.folder is not None or not rows:
            return {}
        return library.hits(self.query, [row.key for row in rows])

    def batches(self, library: Library) -> Iterator[Sequence[Row]]:
        """All rows, some hundred at a time. Blocking."""
        first = 0
        while rows := self.page(library, first, _AT_A_TIME).rows:
            yield rows
            first += len(rows)

    def holds(self, folder: Folder) -> bool:
        """Whether messages of *folder* are listed here, as threads."""
        return folder == self.folder or (self.folder == INBOX and folder.startswith(f"{INBOX}/"))

    def may_hold(self, folder: Folder) -> bool:
        """Whether messages of *folder* are listed here, or can be found."""
        if self.folder is not None:
            return self.holds(folder)
        return Listing(self.within).holds(folder) if self.within else folder != TRASH

    def members(self, row: Row, library: Library, *, counted: bool) -> Sequence[Row]:
        """Messages that *row* stands for, latest first: it, and in a list of threads what the list has of its thread.
        *counted*: by this list, as *row* is of it. Blocking.
        """
        if not self.threads or (counted and row.in_thread == 1):
            return (row,)
        try:
            thread = library.thread(row.key)
        except NoSuchMessage:
            return ()
        listed = [one for one in thread if one.key != row.key and self.holds(one.folder)]
        return (row, *reversed(listed))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
