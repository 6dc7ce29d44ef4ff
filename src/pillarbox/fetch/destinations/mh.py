"""An MH folder: one file a message, named by a number.

Promise: every message exactly once, whatever crashes when. Step by step:

1. *stage*: the message is written to ``.pillarbox-NAME`` in the folder. (Not to ``,NAME``:
   that is how MH names what was deleted, and many a machine clears these away.)
2. *sync*: contents and folder are synced.
3. *publish*: the file is linked to the next free number, which fails if somebody was
   quicker. The folder is synced, and then the first name is taken away.

So *settle* has this to go by: the first name is gone: it was published. It is there, and the
same file has a number, too (or a deleted number, ``,N``): it was published, and the first
name is taken away. It is there alone: not published, and done now.

``.mh_sequences`` is not touched: mail is not marked as unseen.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from pillarbox.durable import sync_folder
from pillarbox.fetch.destinations.contract import Owner, Staging
from pillarbox.fetch.destinations.folders import identity_of, make_folder, sweep
from pillarbox.fetch.destinations.staging import FileStaging, sync_all, unique_name
from pillarbox.fetch.destinations.trouble import usable
from pillarbox.fetch.errors import DeliveryRefused, DestinationUnusable
from pillarbox.fetch.line_ends import UnixLines

TRIES = 1000
"""How often another program may be quicker in taking a number."""

_PREFIX = ".pillarbox-"


class MhDestination:
    """See the module. A token is ``NAME/IDENTITY``: the first name, and which folder it is."""

    idempotent = True

    def __init__(self, folder: Path, owner: Owner) -> None:
        self._folder = folder
        self._mark = owner.key
        self._identity = 0

    def prepare(self, unsettled: Collection[str] = ()) -> None:
        with usable(self._folder):
            make_folder(self._folder)
            self._must_be_mh()
            self._identity = identity_of(self._folder)
            keep = {self._staged(token).name for token in unsettled}
            sweep(self._folder, f"R{self._mark}", keep)

    def stage(self) -> Staging:
        name = _PREFIX + unique_name(self._mark)
        token = f"{name}/{self._identity}"
        return FileStaging(f"{self._folder}/{name}", UnixLines(), lambda _: token)

    def sync(self, stagings: Sequence[Staging]) -> None:
        sync_all(stagings, self._folder)

    def publish(self, tokens: Sequence[str]) -> Sequence[DeliveryRefused | None]:
        with usable(self._folder):
            last = self._last()
            for token in tokens:
                last = self._link(self._staged(token), last)
            self._drop(tokens)
        return [None] * len(tokens)

    def settle(self, token: str) -> bool:
        staged = self._staged(token)
        with usable(self._folder):
            if not staged.exists():
                sync_folder(self._folder)
                return token.endswith(f"/{identity_of(self._folder)}")
            if self._has_number(staged):
                self._drop([token])
                return True
        self.publish([token])
        return True

    def close(self) -> None:
        """Nothing is held."""

    def _staged(self, token: str) -> Path:
        return self._folder / token.partition("/")[0]

    def _must_be_mh(self) -> None:
        names = {entry.name for entry in self._folder.iterdir()}
        strange = [name for name in names if name[0] not in ".," and not name.isdecimal()]
        numbered = ".mh_sequences" in names or any(name.isdecimal() for name in names)
        if {"cur", "new", "tmp"} <= names or (strange and not numbered):
            raise DestinationUnusable(
                f"{self._folder}: is not an MH folder, it has {min(strange)} in it: "
                "name an MH folder, or one that is empty or does not exist yet"
            )

    def _numbers(self) -> Iterator[int]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.isdecimal():
                    yield int(entry.name)

    def _last(self) -> int:
        return max(self._numbers(), default=0)

    def _link(self, staged: Path, last: int) -> int:
        """Give *staged* the next number after *last*; returns it."""
        for _ in range(TRIES):
            try:
                (self._folder / str(last + 1)).hardlink_to(staged)
            except FileExistsError:
                last = max(last + 1, self._last())
            else:
                return last + 1
        raise DestinationUnusable(
            f"{self._folder}: another program takes each number first: "
            "stop the other program that stores mail there, and try again"
        )

    def _drop(self, tokens: Sequence[str]) -> None:
        """Take the first names away, once the numbers are durable."""
        sync_folder(self._folder)
        for token in tokens:
            self._staged(token).unlink()

    def _has_number(self, staged: Path) -> bool:
        inode = staged.stat().st_ino
        with os.scandir(self._folder) as entries:
            return any(
                entry.inode() == inode and entry.name.removeprefix(",").isdecimal()
                for entry in entries
            )
