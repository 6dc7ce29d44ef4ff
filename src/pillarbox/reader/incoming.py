"""Files that are sent to the page lie in the library's folder, from their first octet on: ``/tmp`` may be memory, or too small."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pillarbox.reader.errors import LibraryUnusable

INCOMING = "incoming"
"""The folder for them, in the library's: what is in it when the reader starts is a killed one's."""


PIECE = 1 << 20
"""Octets that are moved at a time."""


class Received:
    """A file that was sent. It can be taken once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.octets = file.seek(0, 2)

    def into(self, target: BinaryIO) -> None:
        """Move its content into *target*, an empty file, from the end on: so the disk has to hold it only once.

        Raises:
            OSError: it cannot be; what is left of it is of no use.
        """
        end = self.octets
        while end:
            begin = (end - 1) // PIECE * PIECE
            self._file.seek(begin)
            target.seek(begin)
            target.write(self._file.read(end - begin))
            target.flush()
            self._file.truncate(begin)
            end = begin


def receive_in(library: Path) -> Callable[[], None]:
    """Sweep the folder of the library in *library*, which is locked, and let this process keep there what is too large for
    memory while it comes; until what is returned is called.
    """
    incoming, before = library / INCOMING, tempfile.tempdir
    shutil.rmtree(incoming, ignore_errors=True)
    tempfile.tempdir = str(incoming)
    make_ready()

    def end() -> None:
        tempfile.tempdir = before

    return end


def make_ready() -> None:
    """Make the folder, if this process has one: it may have been removed as something that nobody needs."""
    with suppress(OSError):  # who sends something is told
        if tempfile.tempdir is not None:
            make(Path(tempfile.tempdir))


def make(folder: Path) -> None:
    """The folder *folder*, for the owner only. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def not_kept(error: OSError) -> LibraryUnusable:
    """What *error* is to who has sent something."""
    return LibraryUnusable(
        f"What you sent cannot be kept: {error.strerror or error}. Make room on the disk, and send it again."
    )
