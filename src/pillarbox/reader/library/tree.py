"""The folders of a library: directories that are Maildirs, one in another.

``MAIL/Projects/2026/{tmp,new,cur}``: a directory is a folder when it has all three. One that has not may still hold
folders (``Inbox`` does). Symbolic links are not followed: mail is within the library, or it is not its mail.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from pillarbox.durable import sync_folder
from pillarbox.fetch.destinations.folders import make_folder
from pillarbox.reader.errors import BadFolderName, NoSuchFolder
from pillarbox.reader.library.names import (
    MAX_DEPTH,
    PARTS,
    folder_named,
    is_folder_name,
    same_name,
)
from pillarbox.reader.model import FIXED, INBOX, Folder


class Tree:
    """What is below the directory *root*."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def folders(self) -> Iterator[Folder]:
        """All folders, each before those in it; by name."""
        yield from self._below(self.root, (), 0)

    def has(self, folder: Folder) -> bool:
        """Whether there is such a folder. Whatever the text: nothing out of the library is looked at."""
        parts = folder.split("/")
        if not all(map(_is_plain, parts)) or folder == INBOX:
            return False
        path = self.root
        for part in parts:
            path /= part
            if not _is_directory(path):
                return False
        return all(_is_directory(path / part) for part in PARTS)

    def directory(self, folder: Folder) -> Path:
        """Where *folder* is.

        Raises:
            NoSuchFolder: it is not there.
        """
        if not self.has(folder):
            raise NoSuchFolder(f"There is no folder {folder} any more.")
        return self.root / folder

    def below(self, folder: Folder) -> list[Folder]:
        """*folder*, if it is one, and those in it."""
        return [each for each in self.folders() if each == folder or each.startswith(f"{folder}/")]

    def make(self, folder: Folder) -> Path:
        """Make *folder*, and what is missing of it, durably, for the owner only.

        Raises:
            BadFolderName: a part of its path is a link, or no directory.
            OSError: it cannot be made.
        """
        path = self.root
        for part in folder.split("/"):
            path /= part
            if os.path.lexists(path) and not _is_directory(path):
                raise BadFolderName(f"{path} is no folder of the library. Choose another name.")
        for part in PARTS:
            make_folder(path / part)
        return path

    def free_name(self, path: str, but: Folder | None = None) -> Folder:
        """The folder that *path* names, which does not exist. *but*: the one that is to get the name.

        Raises:
            BadFolderName: it does, or one whose name differs only in case; or none can be called so.
        """
        *above, last = folder_named(path).split("/")
        spelt: list[str] = []
        for part in above:  # in a folder that is there, spelt as that is: Archive, for archive
            spelt.append(next(iter(self._alike(spelt, part)), part))
        for name in self._alike(spelt, last):
            there = Folder("/".join([*spelt, name]))
            # A plain directory, which holds folders only, may become a folder; nothing can be renamed to it.
            if there != but and (but or self.has(there) or not _is_directory(self.root / there)):
                raise BadFolderName(f"There is a folder {there} already. Choose another name.")
            spelt += [name] if but is None else []
        wanted = Folder("/".join([*spelt, last][: len(above) + 1]))
        if but and wanted.startswith(f"{but}/"):
            raise BadFolderName("A folder cannot be put into itself. Choose another place.")
        return wanted

    def spelt(self, folder: Folder) -> Folder:
        """*folder* as what there is of it is called, large and small letters apart."""
        spelt: list[str] = []
        for part in folder.split("/"):
            there = self._alike(spelt, part)
            spelt.append(part if part in there else next(iter(there), part))
        return Folder("/".join(spelt))

    def _alike(self, above: list[str], name: str) -> list[str]:
        """What there is of that *name*, but for case, in the directory *above*."""
        found = _names_in(self.root.joinpath(*above))
        return sorted(each for each in found if same_name(each, name))

    def rename(self, folder: Folder, wanted: Folder) -> None:
        """Give the directory of *folder* another place, durably, with all in it.

        Raises:
            OSError: it cannot be done, and is not; nothing is ever overwritten.
        """
        source, target = self.root / folder, self.root / wanted
        make_folder(target.parent)
        source.rename(target)
        sync_folder(target.parent)
        sync_folder(source.parent)

    def remove(self, folder: Folder) -> None:
        """Take away the directories of *folder*, which holds no message. What else lies in it stays, with it.

        Raises:
            OSError: they cannot be removed.
        """
        path = self.root / folder
        shutil.rmtree(path / "tmp", ignore_errors=True)  # halves of messages at most
        for each in (path / "tmp", path / "new", path / "cur", path):
            with contextlib.suppress(FileNotFoundError):
                try:
                    each.rmdir()
                except OSError:
                    if any(each.iterdir()):  # another program's, or a message that came just now
                        continue
                    raise
        sync_folder(path.parent)

    def _below(self, path: Path, parts: tuple[str, ...], depth: int) -> Iterator[Folder]:
        accounts = PARTS if parts == (INBOX,) else ()  # may be called new
        names = _directories_in(path)
        for name in sorted(name for name in names if is_folder_name(name) or name in accounts):
            inside = path / name
            folder = Folder("/".join((*parts, name)))
            if folder != INBOX and all(_is_directory(inside / part) for part in PARTS):
                yield folder
            if depth < MAX_DEPTH:
                yield from self._below(inside, (*parts, name), depth + 1)


def is_own(folder: Folder, accounts: Collection[str] | None = None) -> bool:
    """Whether the user may rename and remove it: not the fixed ones, nor inboxes of *accounts* and what is in them. None: all
    inboxes are somebody's.
    """
    first, *below = folder.split("/")
    if first != INBOX:
        return folder not in FIXED
    return bool(below) and accounts is not None and below[0] not in accounts


def _is_plain(part: str) -> bool:
    return bool(part) and not part.startswith(".") and "\0" not in part


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _directories_in(path: Path) -> list[str]:
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


def _names_in(path: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return [each.name for each in path.iterdir()]
    return []
