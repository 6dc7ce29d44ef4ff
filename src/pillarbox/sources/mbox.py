r"""Reading an mbox: one file, messages one after the other, each after a ``From `` line.

The format has no standard, only relatives. What is done here, and why:

* A message begins at a line ``From `` that has a time of day and a year in it (or nothing
  at all, as Thunderbird writes it) and stands at the start of the file or after an empty
  line. Asking for both keeps most sentences that begin with "From" in one piece.
* A crash leaves NULs where a message should have ended, and the next one shall not be lost in it:
  behind NULs, a ``From `` line with a time begins a message, and so does, behind any line, a line
  ``From -`` with a time if a field that Thunderbird writes first comes next. NULs before the
  first message are passed over.
* The ``From `` line and the empty line, or the NULs, before it belong to the format, not to the
  message; they are left out.
* Of a file that has been an mbox the first ``From `` line may be gone. What is before the next one
  is a message if it begins with a header.
* One ``>`` is taken from lines ``>From ``, ``>>From `` …: exactly undoes mboxrd. In mboxo,
  which never quotes a quoted line, it turns a line that really began with ``>From `` into
  ``From ``; nobody can tell these from the quoted ones.
* ``Content-Length`` is not believed (mboxcl): too many programs have left wrong ones.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO

from pillarbox.sources.found import (
    MAX_MESSAGE_OCTETS,
    Found,
    SourceUnusable,
    trouble_with,
)
from pillarbox.sources.letters import NO_HEADER, is_letter
from pillarbox.sources.regular import open_regular

_TIME = rb".*\d\d?:\d\d.*\d{4}.*\r?\n?"
_FROM = re.compile(rb"From (?:-?\r?\n?|" + _TIME + rb")")
_FROM_WITH_TIME = re.compile(rb"From " + _TIME)
_THUNDERBIRDS = re.compile(rb"From - " + _TIME)
_THUNDERBIRDS_FIELD = re.compile(rb"X-(?:Mozilla-Status|Account-Key):")
"""The first one of a message, in an mbox of Thunderbird's."""
_QUOTED = re.compile(rb">+From ")
_EMPTY = (b"\n", b"\r\n")
# A line is read in pieces of this size at most.
_PIECE = 64 * 1024
_NULS = bytes(_PIECE)
_NOTHING = b"\0\r\n"
"""What may be before the first message."""
_MOST_NULS = 1024 * _PIECE
"""Before it: an empty disk image has more."""


class Mbox:
    """A :class:`~pillarbox.sources.found.Source`; ``total`` is the file's size. *follow*: it may be a symbolic link. *is_torn*: its
    beginning may be gone.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, *, follow: bool = True, is_torn: bool = False) -> None:
        self._path = path
        self._is_torn = is_torn
        try:
            self._file = open_regular(path, follow=follow)
        except OSError as error:
            raise SourceUnusable(f"{path}: cannot be read: {error.strerror or error}") from error
        try:
            self._lock()
            self.total = self._file.seek(0, 2)
            self._file.seek(0)
            if not is_torn:
                self._must_be_mbox()
        except BaseException:
            self._file.close()
            raise

    def __iter__(self) -> Iterator[Found]:
        try:
            yield from _messages(self._file, is_torn=self._is_torn)
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
        line = _first_line(self._file)
        if line and not _FROM.fullmatch(line):
            raise SourceUnusable(
                f'{self._path}: is not an mbox: its first line does not begin with "From " and a time'
            )
        self._file.seek(0)


def is_mbox(file: BinaryIO) -> bool:
    """Whether *file*, which is read from where it is, is an mbox that is not empty."""
    return _FROM.fullmatch(_first_line(file)) is not None


def _first_line(file: BinaryIO) -> bytes:
    """Or a piece of it; empty lines and NULs before it are passed over, so many as a crash leaves."""
    passed = 0
    while (line := _next_piece(file)) and not line.strip(_NOTHING) and passed < _MOST_NULS:
        passed += len(line)
    return line


class _Behind(Enum):
    """What is before a piece."""

    TEXT = auto()
    """Of the same line."""
    NULS = auto()
    """In the same line, maybe behind text."""
    LINE = auto()
    LINE_OF_NULS = auto()
    """One that ends with them."""
    EMPTY_LINE = auto()
    """Or nothing at all."""

    @property
    def is_line(self) -> bool:
        return self not in {_Behind.TEXT, _Behind.NULS}

    @property
    def is_nuls(self) -> bool:
        return self in {_Behind.NULS, _Behind.LINE_OF_NULS}

    def then(self, piece: bytes) -> _Behind:
        """What is before the next one."""
        if piece.endswith(b"\0"):
            return _Behind.NULS
        if not piece.endswith(b"\n"):
            return _Behind.TEXT
        if piece not in _EMPTY or self is _Behind.TEXT:
            return _Behind.LINE
        return _Behind.LINE_OF_NULS if self is _Behind.NULS else _Behind.EMPTY_LINE


class _Message:
    """One message while its lines come in."""

    def __init__(self, line_number: int, *, is_torn: bool = False) -> None:
        self.line_number = line_number
        self._is_torn = is_torn
        self._pieces: list[bytes] = []
        self._size = 0
        self._waiting: list[bytes] = []
        """What belongs to the format if a separator comes next: an empty line, NULs."""
        self.units = 0

    def add(self, piece: bytes, behind: _Behind) -> None:
        """A line, or a piece of a long one."""
        if behind.is_line and piece in _EMPTY:
            self._keep()
            self._waiting.append(piece)
        elif behind is _Behind.NULS and piece in _EMPTY:
            self._waiting.append(piece)
        elif piece.endswith(b"\0"):
            if text := piece.rstrip(b"\0"):
                self._keep(text)
            # There may be more of them than fit into memory.
            self._waiting.append(_NULS if piece == _NULS else piece[len(text) :])
        else:
            self._keep(piece)

    def _keep(self, *pieces: bytes) -> None:
        """With what has waited."""
        for piece in (*self._waiting, *pieces):
            self._size += len(piece)
            if self._size > MAX_MESSAGE_OCTETS:
                self._pieces.clear()  # counted, but not kept
            else:
                self._pieces.append(piece)
        self._waiting.clear()

    def found(self) -> Found:
        label = f"the message at line {self.line_number}"
        if self._size > MAX_MESSAGE_OCTETS:
            problem = f"is larger than {MAX_MESSAGE_OCTETS} octets"
            return Found(label, None, problem, self.units)
        raw = b"".join(self._pieces)
        problem = trouble_with(raw)
        if not problem and self._is_torn and not is_letter(raw):
            problem = NO_HEADER
        return Found(label, None if problem else raw, problem, self.units)


def _messages(file: BinaryIO, *, is_torn: bool) -> Iterator[Found]:
    message: _Message | None = None
    behind = _Behind.EMPTY_LINE
    number, units = 1, 0
    has_nuls = False
    while piece := _next_piece(file):
        units += len(piece)
        if _begins(piece, behind, file):
            if message:
                yield message.found()
            message = _Message(number)
        elif message or (is_torn and piece.strip(_NOTHING)):
            message = message or _Message(number, is_torn=True)
            if behind.is_line and _QUOTED.match(piece):
                piece = piece[1:]
            message.add(piece, behind)
        has_nuls = has_nuls or piece.endswith(b"\0")
        if message:
            message.units, units = message.units + units, 0
            behind = behind.then(piece)
        number += piece.endswith(b"\n")
    if message:
        yield message.found()
    elif has_nuls:
        yield Found("the message at line 1", None, "is nothing but NULs", units)


def _next_piece(file: BinaryIO) -> bytes:
    """A line, or a piece of a long one; NULs end a piece."""
    piece = file.readline(_PIECE)
    end = piece.rfind(b"\0") + 1
    if 0 < end < len(piece):
        file.seek(end - len(piece), os.SEEK_CUR)
        return piece[:end]
    return piece


def _begins(piece: bytes, behind: _Behind, file: BinaryIO) -> bool:
    """Whether a message begins with this."""
    if not piece.startswith(b"From ") or behind is _Behind.TEXT:
        return False
    if behind is _Behind.EMPTY_LINE:
        return _FROM.fullmatch(piece) is not None
    if behind.is_nuls:
        return _FROM_WITH_TIME.fullmatch(piece) is not None
    if not _THUNDERBIRDS.fullmatch(piece):
        return False
    following = file.readline(_PIECE)
    file.seek(-len(following), os.SEEK_CUR)
    return _THUNDERBIRDS_FIELD.match(following) is not None
