"""A folder of the owner's own, for messages on their way to what is no folder.

A message's file is there until the destination has taken it: to take it away is the mark
that it was taken, which needs no room on the disk. So a file that is missing from the folder
in which it was staged has been taken; one that is missing because the folder is another one
by now has not (its token names the folder, see :func:`~.folders.identity_of`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from pillarbox.durable import sync_folder
from pillarbox.fetch.destinations.contract import Owner
from pillarbox.fetch.destinations.folders import identity_of, make_folder, sweep
from pillarbox.fetch.destinations.staging import FileStaging, unique_name
from pillarbox.fetch.destinations.trouble import usable
from pillarbox.fetch.line_ends import Form

PIECE = 256 * 1024
"""Bytes that are read at a time."""


class Spool:
    """The staged files of one owner and destination. A token is ``NAME/IDENTITY``."""

    def __init__(self, owner: Owner) -> None:
        self.folder = owner.spool
        self._mark = owner.key
        self._identity = 0

    def prepare(self, keep: Collection[str] = ()) -> None:
        """Make the folder and sweep all staged files whose tokens are not in *keep*.

        Raises:
            DestinationUnusable: that cannot be done.
        """
        with usable(self.folder):
            make_folder(self.folder)
            self._identity = identity_of(self.folder)
            sweep(self.folder, f"R{self._mark}", {self.path(token).name for token in keep})

    def stage(self, form: Form) -> FileStaging:
        """Begin a message that is kept in *form*."""
        name = unique_name(self._mark)
        token = f"{name}/{self._identity}"
        return FileStaging(f"{self.folder}/{name}", form, lambda _: token)

    def path(self, token: str) -> Path:
        """The file of a message."""
        return self.folder / token.partition("/")[0]

    def holds(self, token: str) -> bool:
        """Whether the message is still here."""
        return self.path(token).exists()

    def was_taken(self, token: str) -> bool:
        """Whether the message was here, and has been taken.

        Raises:
            OSError: the folder is not there.
        """
        return not self.holds(token) and token.endswith(f"/{identity_of(self.folder)}")

    def take(self, token: str) -> None:
        """The destination has the message now (or nobody wants it any more).

        Raises:
            OSError: its file cannot be removed.
        """
        self.path(token).unlink(missing_ok=True)

    def refuse(self, token: str) -> None:
        """The destination does not want the message: give back its space, and leave its
        file as the mark that it was *not* taken, for :meth:`prepare` to sweep.

        Raises:
            OSError: its file cannot be written.
        """
        self.path(token).open("wb").close()

    def sync(self) -> None:
        """Make it durable which files are here.

        Raises:
            OSError: that cannot be done.
        """
        sync_folder(self.folder)


def pieces_of(path: Path) -> Iterator[bytes]:
    """The contents of a staged file, piece by piece.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            yield piece
