"""A message as a tree of parts (RFC 2046, section 5).

Not by the standard library's parser: that recurses as deep as a message says, copies each part several times, and
reads all of a header, however long. This one goes once from the beginning to the end, and its parts are places
in the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pillarbox.reader.mail.header import Header
from pillarbox.reader.mail.limits import DEPTH, PARTS
from pillarbox.reader.mail.parameters import read_parameters
from pillarbox.reader.mail.transfer import estimate, needed, undo

_GUESS = re.compile(rb"(?:\A|\n)--([^\s-][^\n]{0,200}?)[ \t]*\n")
_BOUNDARY_END = re.compile(rb"(--)?[ \t]*(?:\n|\Z)")
_MBOX_LINES = re.compile(rb"\A(?:\n*>?From (?! *:)[^\n]*\n)+")
_EMPTY_LINES = re.compile(rb"\A\n+(?=[!-9;-~]+:)")

NO_END = "The end of this message is missing: it may have been cut off on its way."
NO_PARTS = "The parts of this message could not be told apart; they are shown as text."
TOO_DEEP = "Parts within parts go deeper than is shown."
TOO_MANY = "It has more parts than are shown."
ODD_HEADER = "A part of its header could not be read, or is longer than is looked at."


class Entity:
    """A message or a part of one."""

    __slots__ = (
        "_data",
        "_end",
        "_start",
        "children",
        "header",
        "number",
        "parameters",
        "parent",
        "type",
    )

    def __init__(self, header: Header, data: bytes, default: str, parent: Entity | None) -> None:
        self.header = header
        self.type: str
        """Media type in small letters. Every ``multipart`` has children, but for one that is broken."""
        self.parameters: Mapping[str, str]
        value = header.first(b"content-type")
        self.type, self.parameters = read_parameters(value) if value else (default, {})
        if self.type.count("/") != 1:  # RFC 2045, section 5.2
            self.type = default
        self.parent = parent
        self.children: list[Entity] = []
        self.number = "1"
        """As IMAP counts (RFC 3501, section 6.4.5); what is attached as a message is one part."""
        self._data, self._start, self._end = data, 0, 0

    @property
    def encoding(self) -> bytes:
        """Of the transfer; in small letters."""
        return self.header.first(b"content-transfer-encoding").partition(b";")[0].strip().lower()

    @property
    def octets(self) -> int:
        """Decoded; an estimate."""
        return estimate(self.encoding, self._end - self._start)

    def place(self, start: int, end: int) -> None:
        self._start, self._end = start, max(start, end)

    def decoded(self, at_most: int | None = None) -> bytes:
        """Its octets; only some at the beginning, at least *at_most* (if there are so many)."""
        end = self._end
        if at_most is not None:
            end = min(end, self._start + needed(self.encoding, at_most))
        return undo(self.encoding, self._data[self._start : end])

    def is_longer_than(self, octets: int) -> bool:
        return self._end - self._start > needed(self.encoding, octets)

    def walk(self) -> Iterator[Entity]:
        """It and all in it, in the order of the message. Recurses no deeper than the limit on depth."""
        yield self
        for child in self.children:
            yield from child.walk()


class Tree:
    """A message taken apart. Never fails: what is broken is in *faults*."""

    __slots__ = ("faults", "root")

    def __init__(self, data: bytes) -> None:
        splitter = _Splitter(with_lf(data))
        self.root: Entity = splitter.split()
        self.faults = tuple(dict.fromkeys(splitter.faults))
        """Sentences."""

    def find(self, number: str) -> Entity | None:
        """The part of that number."""
        return next((e for e in self.root.walk() if e.number == number and not e.children), None)


def with_lf(data: bytes) -> bytes:
    """With LF line ends, and without what an mbox puts before a message."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
        if b"\n" not in data:
            data = data.replace(b"\r", b"\n")
    if data[:1] in (b"\n", b"F", b">"):
        data = _EMPTY_LINES.sub(b"", _MBOX_LINES.sub(b"", data, count=1), count=1)
    return data


class _Fence:
    """The delimiter lines of one multipart. No place is looked at twice, however many multiparts there are."""

    __slots__ = ("_clear", "_data", "_found", "_mark", "entity")

    def __init__(self, entity: Entity, boundary: bytes, data: bytes) -> None:
        self.entity = entity
        self._data = data
        self._mark = b"--" + boundary
        self._found: tuple[int, int, bool] | None = None
        self._clear = 0
        """Up to here there is none but *_found*."""

    def next(self, at: int, limit: int) -> tuple[int, int, bool] | None:
        """Of the next delimiter line from *at*, the beginning of a line: where it begins, where the next line does,
        and whether it is the last one. None: no line up to the one that begins at *limit* is one.
        """
        if self._found is None or self._found[0] < at:
            self._found = self._search(at, limit)
            if self._found is None:
                self._clear = limit + 1
        return self._found if self._found is not None and self._found[0] <= limit else None

    def _search(self, at: int, limit: int) -> tuple[int, int, bool] | None:
        begins = at >= self._clear and self._data.startswith(self._mark, at)
        start = at if begins else self._find(max(at, self._clear), limit)
        while start >= 0:
            end = _BOUNDARY_END.match(self._data, start + len(self._mark))
            if end is not None:
                return start, end.end(), end[1] is not None
            start = self._find(start + 1, limit)
        return None

    def _find(self, at: int, limit: int) -> int:
        """Where, from *at* to *limit*, a line begins with the mark; -1: nowhere."""
        found = self._data.find(b"\n" + self._mark, max(at - 1, 0), limit + len(self._mark))
        return found + 1 if found >= 0 else -1


class _Splitter:
    """Goes through a message once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._fences: list[_Fence] = []
        self._count = 0
        self.faults: list[str] = []

    def split(self) -> Entity:
        root, at = self._begin(0, None)
        while self._fences:
            delimiter = self._next(at)
            if delimiter is None:
                self.faults.append(NO_END)
                break
            level, (_, after, last) = delimiter
            del self._fences[level + 1 :]
            if last:
                self._fences.pop()
                at = after
            elif self._count >= PARTS:
                self.faults.append(TOO_MANY)
                break
            else:
                at = self._begin(after, self._fences[-1].entity)[1]
        for entity in root.walk():
            if entity.type.startswith("multipart/") and not entity.children and entity is not root:
                self._as_text(entity)
        if root.type.startswith("multipart/") and not root.children:
            self._as_text(root)
        return root

    def _next(self, at: int) -> tuple[int, tuple[int, int, bool]] | None:
        """The next delimiter of any open multipart, the innermost first."""
        best, limit = None, len(self._data)
        for level, fence in enumerate(self._fences):
            found = fence.next(at, limit)
            if found is not None:
                best, limit = (level, found), found[0]
        return best

    def _begin(self, at: int, parent: Entity | None) -> tuple[Entity, int]:
        """The part that begins at *at*, and from where to look for what comes after it."""
        self._count += 1
        delimiter = self._next(at)
        end = len(self._data) if delimiter is None else max(at, delimiter[1][0] - 1)
        block, body = self._header(at, end)
        header = Header(block)
        if header.odd:
            self.faults.append(ODD_HEADER)
        digest = parent is not None and parent.type == "multipart/digest"
        entity = Entity(header, self._data, "message/rfc822" if digest else "text/plain", parent)
        entity.place(body, end)
        if parent is not None:
            parent.children.append(entity)
            above = "" if parent.parent is None else f"{parent.number}."
            entity.number = f"{above}{len(parent.children)}"
        if entity.type.startswith("multipart/"):
            self._open(entity, body, end)
        return entity, body

    def _header(self, at: int, end: int) -> tuple[bytes, int]:
        """The header that begins at *at*, and where its body does."""
        if self._data.startswith(b"\n", at):
            return b"", at + 1
        empty = self._data.find(b"\n\n", at, end)
        if empty >= 0:
            return self._data[at:empty], empty + 2
        return self._without_empty_line(at, end)

    def _without_empty_line(self, at: int, end: int) -> tuple[bytes, int]:
        """It goes as far as lines look like fields."""
        stop = _FIELDS.match(self._data, at, end)
        after = stop.end() if stop is not None else at
        return self._data[at:after], min(after, end)

    def _open(self, entity: Entity, body: int, end: int) -> None:
        if len(self._fences) >= DEPTH:
            self.faults.append(TOO_DEEP)
            self._as_text(entity)
            return
        boundary = entity.parameters.get("boundary", "").rstrip().encode("utf-8", "replace")
        fence = _Fence(entity, boundary, self._data)
        if not boundary or fence.next(body, end) is None:
            guess = _GUESS.search(self._data, max(body - 1, 0), end)
            if guess is None:
                self.faults.append(NO_PARTS)
                return
            fence = _Fence(entity, guess[1], self._data)
        self._fences.append(fence)

    @staticmethod
    def _as_text(entity: Entity) -> None:
        entity.type, entity.parameters = "text/plain", {}


_FIELDS = re.compile(rb"(?:[!-9;-~]+[ \t]*:[^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*)*")
