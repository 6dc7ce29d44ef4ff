"""Mail put straight into a server's Maildir."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from pathlib import Path

_FOLDERS = ("cur", "new", "tmp")


class Maildir:
    """A Maildir that belongs to a server's user."""

    def __init__(self, folder: Path, owner: pwd.struct_passwd) -> None:
        self._folder = folder
        self._owner = (owner.pw_uid, owner.pw_gid)
        self._count = 0
        folder.mkdir(parents=True)
        for path in (folder.parent, folder, *(folder / name for name in _FOLDERS)):
            path.mkdir(exist_ok=True)
            os.chown(path, *self._owner)

    def put(self, contents: Iterable[bytes]) -> None:
        """Deliver *contents*, in order: by the time in their names."""
        for content in contents:
            path = self._folder / "tmp" / "letter"
            path.write_bytes(content)
            self.move_in(path)

    def move_in(self, path: Path) -> None:
        """Deliver the file *path*, which is gone afterwards."""
        self._count += 1
        os.chown(path, *self._owner)
        path.rename(self._folder / "new" / f"{1_700_000_000 + self._count}.M1P1Q{self._count}.test")

    def left(self) -> int:
        return sum(len(list((self._folder / name).iterdir())) for name in ("cur", "new"))
