"""Which boxes of mail lie in a folder that another program has kept, and what each is called there.

What is known:

* an mbox file is a box of its name (without ``.mbox``); what is in ``Name.sbd`` is in the box ``Name`` (Thunderbird, whose
  ``Name.msf`` is an index only), and ``Name.mbox/mbox`` is the box ``Name`` (Apple Mail);
* a Maildir is a box. ``.Name.Sub`` in it is ``Name`` and ``Sub`` (Maildir++; names in the UTF-7 of IMAP), any other Maildir
  in it is called as it is; one without ``new`` is Thunderbird's;
* ``.eml`` files, and others that are a message, however deep they lie, belong to what was named;
* what has been an mbox, as the index beside it says, still is one, damaged;
* any other folder is only a place where boxes lie.

Links are not followed. What is known to be no mail is passed over (:mod:`.companions`), and what is empty. What cannot be
read is a box that cannot be opened, whatever it holds: so it is told; and so is any other file, and what lies on another
disk, or too deep.
"""

from __future__ import annotations

import base64
import os
import re
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pillarbox.sources.companions import is_box, is_companion
from pillarbox.sources.found import Source, SourceUnusable
from pillarbox.sources.letters import HEAD, SUFFIX, Letters, is_mail, no_mail
from pillarbox.sources.maildir import Maildir
from pillarbox.sources.mbox import Mbox, is_mbox
from pillarbox.sources.regular import open_regular

MESSAGE = 10_000
"""Octets of a message, where only its file's name is known yet: for progress."""
MAX_DEPTH = 32
"""Folders in folders that are looked into."""
_MBOX = ".mbox"
_OF_FOLDERS = (".sbd", _MBOX)
_PARTS = ("cur", "new", "tmp")
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")

Name = tuple[str, ...]
Identity = tuple[int, int]
"""Of a folder, by whatever path: device and inode."""


class Box(NamedTuple):
    """One of them."""

    name: Name
    """As it is called there, each part in the one before; empty: it is what was named."""
    path: Path
    octets: int
    """About."""
    unit: int
    """Octets of one of the source's units, about."""
    open: Callable[[], Source]
    """Raises SourceUnusable."""


def mbox_at(path: Path, name: Name = (), *, follow: bool = False, is_torn: bool = False) -> Box:
    """The mbox file *path*. *follow*: it may be a symbolic link. *is_torn*: its beginning may be gone."""
    return Box(name, path, _size(path), 1, partial(Mbox, path, follow=follow, is_torn=is_torn))


def letter_at(path: Path) -> Box:
    """The file *path*, which is one message."""
    return Box((), path, MESSAGE, MESSAGE, partial(Letters, path))


def identity_of(path: Path) -> Identity | None:
    """None: there is nothing, or nothing can be known of it."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def boxes_in(folder: Path, but: Collection[Identity] = ()) -> list[Box]:
    """All boxes in *folder*, or *folder* itself, by name. Those folders in it are passed over which *but* has.

    Raises:
        SourceUnusable: it cannot be read, or there are none.
    """
    try:
        walk = _Walk(folder.stat().st_dev, but)
        boxes = sorted(walk.boxes(folder, _entries(folder), (), 0), key=lambda box: box.name)
    except OSError as error:
        raise SourceUnusable(f"{folder}: {_why(error)}") from error
    if letters := walk.letters:
        octets = MESSAGE * len(letters)
        boxes.insert(0, Box((), folder, octets, MESSAGE, partial(Letters, folder, letters)))
    if not boxes:
        raise SourceUnusable(f"{folder}: there is no {SUFFIX} file in it, no mbox and no Maildir")
    return boxes


class _Walk:
    """Through one folder, on the disk *device*."""

    def __init__(self, device: int, but: Collection[Identity]) -> None:
        self._device = device
        self._but = but
        self.letters: list[Path] = []

    def boxes(
        self, folder: Path, entries: list[os.DirEntry[str]], name: Name, depth: int
    ) -> Iterator[Box]:
        """Those in *folder*, which has these *entries*."""
        is_maildir = all(_is_folder(folder / part) for part in ("cur", "new"))
        is_thunderbirds = not is_maildir and all(
            _is_folder(folder / part) for part in ("cur", "tmp")
        )
        if is_maildir:
            yield _maildir_at(folder, name)
        elif is_thunderbirds:
            yield from _thunderbirds(folder, name)
        beside = {entry.name for entry in entries}
        for entry in entries:
            if (is_maildir or is_thunderbirds) and entry.name in _PARTS:
                continue
            path = Path(entry.path)
            try:
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode):
                    yield from self._below(path, found, name, depth + 1)
                elif stat.S_ISREG(found.st_mode):
                    yield from self._file(path, name, beside)
            except FileNotFoundError:  # it has gone meanwhile
                continue
            except OSError as error:
                yield _closed(path, _why(error))

    def _below(self, path: Path, found: os.stat_result, name: Name, depth: int) -> Iterator[Box]:
        """Raises OSError."""
        if (found.st_dev, found.st_ino) in self._but:
            return
        if found.st_dev != self._device:
            yield _closed(path, "is on another disk: import it by itself")
        elif depth > MAX_DEPTH:
            yield _closed(path, "lies too deep: import it by itself")
        else:
            yield from self.boxes(path, _entries(path), name + _called(path), depth)

    def _file(self, path: Path, name: Name, beside: Collection[str]) -> Iterator[Box]:
        """*beside*: what is in the same folder. Raises OSError."""
        with open_regular(path) as file:
            is_whole = is_mbox(file)
            file.seek(0)
            head = file.read(HEAD)
        is_letter = path.name.lower().endswith(SUFFIX)
        if is_whole or (head.strip() and not is_letter and is_box(path, beside)):
            yield mbox_at(path, _name_of_mbox(path, name), is_torn=not is_whole)
        elif is_letter:
            self.letters.append(path)
        elif not head.strip() or is_companion(path.name):
            return
        elif is_mail(head):
            self.letters.append(path)
        else:
            yield _closed(path, no_mail(head))


def _closed(path: Path, why: str) -> Box:
    """What may hold mail that nobody can get at."""

    def refuse() -> Source:
        raise SourceUnusable(f"{path}: {why}")

    return Box((), path, 0, 0, refuse)


def _why(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"


def _maildir_at(path: Path, name: Name) -> Box:
    octets = 0
    with suppress(OSError):  # it says so when it is opened
        octets = MESSAGE * sum(len(_entries(path / part)) for part in ("cur", "new"))
    return Box(name, path, octets, MESSAGE, partial(Maildir, path, with_trashed=True))


def _thunderbirds(folder: Path, name: Name) -> Iterator[Box]:
    """The Maildir without ``new``, if there is anything in it."""
    try:
        found = [each for each in _entries(folder / "cur") if each.is_file(follow_symlinks=False)]
    except OSError as error:
        yield _closed(folder / "cur", _why(error))
        return
    if found:
        files = [Path(each.path) for each in found]
        box = partial(Letters, folder, files)
        yield Box(name, folder, MESSAGE * len(files), MESSAGE, box)


def _called(folder: Path) -> Name:
    """What is in *folder* is in this."""
    if folder.name.startswith(".") and _is_folder(folder / "cur"):
        return tuple(_from_utf7(part) for part in folder.name[1:].split(".") if part)
    for suffix in _OF_FOLDERS:
        if folder.name.lower().endswith(suffix):
            return (folder.name[: -len(suffix)],)
    return (folder.name,)


def _name_of_mbox(path: Path, name: Name) -> Name:
    if path.name == "mbox" and path.parent.name.lower().endswith(_MBOX):
        return name
    return (*name, path.name[: -len(_MBOX)] if path.name.lower().endswith(_MBOX) else path.name)


def _from_utf7(name: str) -> str:
    """RFC 3501, section 5.1.3; what is no such name is itself."""

    def text(found: re.Match[str]) -> str:
        octets = found[1].replace(",", "/")
        return base64.b64decode(octets + "=" * (-len(octets) % 4)).decode("utf-16-be") or "&"

    try:
        return _SHIFTED.sub(text, name)
    except ValueError:
        return name


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """By name. Raises OSError."""
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
