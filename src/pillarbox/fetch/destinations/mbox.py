"""An mbox: one file with all messages, in the form that :mod:`.mboxrd` describes.

Promise: every message exactly once, whatever crashes when, and none of them in part, as
long as other programs lock the file as :mod:`.mbox_lock` does. Step by step:

1. *stage*, *sync*: the message is written to the spool, in the very form in which it will be
   appended, and synced.
2. *publish*, with the mbox locked: what is about to be appended, and where, is noted in the
   file ``intent`` in the spool, and synced. Then it is appended, and the mbox synced. Then
   the spooled files are taken away, and the note last.

If there is a note when a run begins, the last one died in step 2, and *prepare* looks at the
place. All is there: good. A part of it is there, up to the end of the file (perhaps with
zeros behind it, as a power cut can leave them): it is cut off and appended again. Anything
else: the mail program of the user has rewritten the file since; then each message is looked
for, and appended if it is not found.

When the disk is full the file is cut back to what it was.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pillarbox.durable import sync_folder
from pillarbox.fetch.destinations.contract import Owner, Staging
from pillarbox.fetch.destinations.folders import make_folder
from pillarbox.fetch.destinations.mbox_lock import locked
from pillarbox.fetch.destinations.mboxrd import MboxForm
from pillarbox.fetch.destinations.spool import PIECE, Spool, pieces_of
from pillarbox.fetch.destinations.staging import sync_all
from pillarbox.fetch.destinations.trouble import usable
from pillarbox.fetch.errors import DeliveryRefused, DestinationUnusable


class _Intent(NamedTuple):
    """What is about to be appended, and where."""

    offset: int
    padding: int
    """Line ends that the file lacks before the first message."""
    tokens: list[str]
    there: list[str]
    """Found in the mbox already, after a crash."""


class MboxDestination:
    """See the module. A token is one of the spool's."""

    idempotent = True

    def __init__(self, path: Path, owner: Owner) -> None:
        self._path = path
        self._mark = owner.key
        self._spool = Spool(owner)
        self._note = owner.spool / "intent"

    def prepare(self, unsettled: Collection[str] = ()) -> None:
        with usable(self._path):
            make_folder(self._path.parent)
            if self._note.exists():  # first: a power cut may have left anything in the file
                self._finish_intent()
            self._must_be_mbox()
        self._spool.prepare(unsettled)

    def stage(self) -> Staging:
        return self._spool.stage(MboxForm(time.time()))

    def sync(self, stagings: Sequence[Staging]) -> None:
        sync_all(stagings, self._spool.folder)

    def publish(self, tokens: Sequence[str]) -> Sequence[DeliveryRefused | None]:
        with usable(self._path), locked(self._path, self._mark) as mbox:
            self._append(mbox, list(tokens), [])
        return [None] * len(tokens)

    def settle(self, token: str) -> bool:
        with usable(self._path):
            if not self._spool.holds(token):
                return self._spool.was_taken(token)
        self.publish([token])
        return True

    def close(self) -> None:
        """Nothing is held."""

    def _must_be_mbox(self) -> None:
        """Also makes it, if it is missing."""
        with locked(self._path, self._mark) as mbox:
            start = os.pread(mbox, len(b"From "), 0)
        if start not in {b"", b"From "}:
            raise DestinationUnusable(
                f'{self._path}: is not an mbox, it does not begin with "From ": '
                "name an mbox, or a file that is empty or does not exist yet"
            )
        sync_folder(self._path.parent)

    def _append(self, mbox: int, tokens: list[str], there: list[str]) -> None:
        """Publish *tokens*, all of which the spool holds, at the end of the locked file."""
        offset = os.fstat(mbox).st_size
        intent = _Intent(offset, _padding(mbox, offset), tokens, there)
        self._write_note(intent)
        try:
            _write(mbox, intent.offset, self._pieces(intent))
            os.fsync(mbox)
        except OSError:
            os.ftruncate(mbox, intent.offset)
            os.fsync(mbox)
            self._remove_note()
            raise
        self._take(intent)

    def _take(self, intent: _Intent) -> None:
        """All is in the mbox, durably."""
        for token in (*intent.tokens, *intent.there):
            self._spool.take(token)
        self._spool.sync()  # none of them may come back once the note is gone
        self._remove_note()

    def _pieces(self, intent: _Intent) -> Iterator[bytes]:
        """The bytes that *intent* is about."""
        yield b"\n" * intent.padding
        for token in intent.tokens:
            yield from pieces_of(self._spool.path(token))

    # The note

    def _write_note(self, intent: _Intent) -> None:
        numbers = f"{intent.offset} {intent.padding} {len(intent.tokens)}"
        draft = self._note.with_suffix(".new")
        with draft.open("w", encoding="ascii") as file:
            file.write("\n".join([numbers, *intent.tokens, *intent.there]))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._note)
        self._spool.sync()

    def _read_note(self) -> _Intent:
        numbers, *tokens = self._note.read_text("ascii").split("\n")
        offset, padding, count = map(int, numbers.split())
        return _Intent(offset, padding, tokens[:count], tokens[count:])

    def _remove_note(self) -> None:
        self._note.unlink(missing_ok=True)

    # After a crash

    def _finish_intent(self) -> None:
        intent = self._read_note()
        with locked(self._path, self._mark) as mbox:
            if all(self._spool.holds(token) for token in (*intent.tokens, *intent.there)):
                self._append_what_is_missing(mbox, intent)
            else:  # the run died while it took the files away: all had been appended
                self._take(intent)

    def _append_what_is_missing(self, mbox: int, intent: _Intent) -> None:
        os.fsync(mbox)  # the run that appended may have died before it did this
        agreement = _agreement(mbox, intent.offset, self._pieces(intent))
        if agreement is _WHOLE:
            self._take(intent)
            return
        if agreement is _PART:
            os.ftruncate(mbox, intent.offset)
        missing = list(self._not_found(mbox, intent.tokens))
        found = [token for token in intent.tokens if token not in missing]
        self._append(mbox, missing, intent.there + found)

    def _not_found(self, mbox: int, tokens: Sequence[str]) -> Iterator[str]:
        """Those of *tokens* that are not in the mbox, one behind the other."""
        with contextlib.closing(_mapped(mbox)) as text:
            position = 0
            for token in tokens:
                with self._spool.path(token).open("rb") as file:
                    found = _position(text, file.fileno(), position)
                if found < 0:
                    yield token
                else:
                    position = found + 1


_WHOLE, _PART, _OTHER = range(3)


def _padding(mbox: int, size: int) -> int:
    """How many line ends are missing before a ``From `` line may follow."""
    end = os.pread(mbox, 2, max(0, size - 2))
    if not end or end == b"\n\n":
        return 0
    return 1 if end.endswith(b"\n") else 2


def _write(mbox: int, offset: int, pieces: Iterator[bytes]) -> None:
    os.lseek(mbox, offset, os.SEEK_SET)
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(mbox, rest) :]


def _agreement(mbox: int, offset: int, pieces: Iterator[bytes]) -> int:
    """How far the file, from *offset* on, is what *pieces* say."""
    size = os.fstat(mbox).st_size
    if size < offset:
        return _OTHER
    for piece in pieces:
        found = os.pread(mbox, len(piece), offset)
        if found != piece:
            begun = found.rstrip(b"\0")
            cut = piece.startswith(begun) and _is_zero(mbox, offset + len(begun))
            return _PART if cut else _OTHER
        offset += len(piece)
    return _WHOLE


def _is_zero(mbox: int, offset: int) -> bool:
    """Whether there is nothing from *offset* on, or nothing but zeros."""
    while piece := os.pread(mbox, PIECE, offset):
        if piece.strip(b"\0"):
            return False
        offset += len(piece)
    return True


def _mapped(descriptor: int) -> mmap.mmap:
    # An empty file cannot be mapped: then a page of nothing.
    size = os.fstat(descriptor).st_size
    return mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) if size else mmap.mmap(-1, 1)


def _position(text: mmap.mmap, message: int, start: int) -> int:
    """Where in *text*, from *start* on, the file *message* is; -1: nowhere."""
    with contextlib.closing(_mapped(message)) as wanted:
        return text.find(wanted, start)
