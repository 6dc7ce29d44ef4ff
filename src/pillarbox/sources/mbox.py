r"""Reading an mbox: one file, messages one after the other, each after a ``From `` line.

The format has no standard, only relatives. What is done here, and why:

* A message begins at a line ``From `` that has a time of day and a year in it (or nothing
  at all, as Thunderbird writes it) and stands at the start of the file or after an empty
  line. Asking for both keeps most sentences that begin with "From" in one piece.
* The ``From `` line and the empty line before it belong to the format, not to the
  message; both are left out.
* One ``>`` is taken from lines ``>From ``, ``>>From `` …: exactly undoes mboxrd. In mboxo,
  which never quotes a quoted line, it turns a line that really began with ``>From `` into
  ``From ``; nobody can tell these from the quoted ones.
* ``Content-Length`` is not believed (mboxcl): too many programs have left wrong ones.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pillarbox.sources.found import (
    MAX_MESSAGE_OCTETS,
    Found,
    SourceUnusable,
    trouble_with,
)
from pillarbox.sources.regular import open_regular

_FROM = re.compile(rb"From (?:-?|.*\d\d?:\d\d.*\d{4}.*)\r?\n?")
_QUOTED = re.compile(rb">+From ")
_EMPTY = (b"\n", b"\r\n")
# A line is read in pieces of this size at most.
_PIECE = 64 * 1024


class Mbox:
    """A :class:`~pillarbox.sources.found.Source`; ``total`` is the file's size. *follow*: it may be a symbolic link."""

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, *, follow: bool = True) -> None:
        self._path = path
        try:
            self._file = open_regular(path, follow=follow)
        except OSError as error:
            raise SourceUnusable(f"{path}: cannot be read: {error.strerror or error}") from error
        try:
            self._lock()
            self.total = self._file.seek(0, 2)
            self._file.seek(0)
            self._must_be_mbox()
        except BaseException:
            self._file.close()
            raise

    def __iter__(self) -> Iterator[Found]:
        try:
            yield from _messages(self._file)
        except OSError as error:
            raise SourceUnusable(f"{self._path}: cannot be read: {error.strerror}") from error

    def close(self) -> None:
        self._file.close()

    def _lock(self) -> None:
        """Keep other programs from writing while we read, as far as they ask for locks."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SourceUnusable(
                f"{self._path}: another program is writing to it; try again when it is done"
            ) from None
        except OSError:
            return  # a file system without locks: nobody else has one either

    def _must_be_mbox(self) -> None:
        line = self._file.readline(_PIECE)
        while line in _EMPTY:
            line = self._file.readline(_PIECE)
        if line and not _FROM.fullmatch(line):
            raise SourceUnusable(
                f'{self._path}: is not an mbox: its first line does not begin with "From " and a time'
            )
        self._file.seek(0)


def is_mbox(head: bytes) -> bool:
    """Whether a file that begins so is an mbox."""
    return _FROM.fullmatch(head.lstrip(b"\r\n").partition(b"\n")[0]) is not None


class _Message:
    """One message while its lines come in."""

    def __init__(self, line_number: int) -> None:
        self.line_number = line_number
        self._pieces: list[bytes] = []
        self._size = 0
        self._pending = b""
        self.units = 0

    def add(self, piece: bytes, *, is_empty_line: bool) -> None:
        """A line, or a piece of a long one. An empty line waits: it may be a separator."""
        self._size += len(piece)
        if self._size > MAX_MESSAGE_OCTETS:
            self._pieces.clear()  # counted, but not kept
            return
        if self._pending:
            self._pieces.append(self._pending)
        self._pending = piece if is_empty_line else b""
        if not is_empty_line:
            self._pieces.append(piece)

    def found(self) -> Found:
        label = f"the message at line {self.line_number}"
        if self._size > MAX_MESSAGE_OCTETS:
            problem = f"is larger than {MAX_MESSAGE_OCTETS} octets"
            return Found(label, None, problem, self.units)
        raw = b"".join(self._pieces)
        problem = trouble_with(raw)
        return Found(label, None if problem else raw, problem, self.units)


def _messages(file: BinaryIO) -> Iterator[Found]:
    message: _Message | None = None
    after_empty = at_line_start = True
    number, units = 0, 0
    while piece := file.readline(_PIECE):
        number += at_line_start
        units += len(piece)
        is_empty = at_line_start and piece in _EMPTY
        if at_line_start and after_empty and _FROM.fullmatch(piece):
            if message:
                yield message.found()
            message = _Message(number)
        elif message:
            if at_line_start and _QUOTED.match(piece):
                piece = piece[1:]
            message.add(piece, is_empty_line=is_empty)
        if message:
            message.units, units = message.units + units, 0
        after_empty = is_empty
        at_line_start = piece.endswith(b"\n")
    if message:
        yield message.found()
