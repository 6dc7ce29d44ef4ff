"""Which boxes of mail lie in a folder that another program has kept, and what each is called there.

What is known:

* an mbox file is a box of its name (without ``.mbox``); what is in ``Name.sbd`` is in the box ``Name`` (Thunderbird, whose
  ``Name.msf`` is an index only), and ``Name.mbox/mbox`` is the box ``Name`` (Apple Mail);
* a Maildir is a box. ``.Name.Sub`` in it is ``Name`` and ``Sub`` (Maildir++; names in the UTF-7 of IMAP), any other Maildir
  in it is called as it is; one without ``new`` is Thunderbird's;
* ``.eml`` files, however deep they lie, belong to what was named;
* any other folder is only a place where boxes lie.

Links are not followed. What is none of these is passed over.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pillarbox.sources.found import Source, SourceUnusable
from pillarbox.sources.letters import SUFFIX, Letters
from pillarbox.sources.maildir import Maildir
from pillarbox.sources.mbox import Mbox, is_mbox

MESSAGE = 10_000
"""Octets of a message, where only its file's name is known yet: for progress."""
MAX_DEPTH = 32
"""Folders in folders that are looked into."""
_HEAD = 1024
"""Octets in which an mbox shows itself."""
_MBOX = ".mbox"
_OF_FOLDERS = (".sbd", _MBOX)
_PARTS = ("cur", "new", "tmp")
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")

Name = tuple[str, ...]


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


def mbox_at(path: Path, name: Name = ()) -> Box:
    """The mbox file *path*."""
    return Box(name, path, _size(path), 1, partial(Mbox, path))


def letter_at(path: Path) -> Box:
    """The file *path*, which is one message."""
    return Box((), path, MESSAGE, MESSAGE, partial(Letters, path))


def boxes_in(folder: Path) -> list[Box]:
    """All boxes in *folder*, or *folder* itself, by name.

    Raises:
        SourceUnusable: it cannot be read, or there are none.
    """
    letters: list[Path] = []
    boxes = sorted(_boxes(folder, (), letters, 0), key=lambda box: box.name)
    if letters:
        octets = MESSAGE * len(letters)
        boxes.insert(0, Box((), folder, octets, MESSAGE, partial(Letters, folder, letters)))
    if not boxes:
        raise SourceUnusable(f"{folder}: there is no {SUFFIX} file in it, no mbox and no Maildir")
    return boxes


def _boxes(folder: Path, name: Name, letters: list[Path], depth: int) -> Iterator[Box]:
    is_maildir = all(_is_folder(folder / part) for part in ("cur", "new"))
    is_thunderbirds = not is_maildir and all(_is_folder(folder / part) for part in ("cur", "tmp"))
    if is_maildir:
        yield _maildir_at(folder, name)
    elif is_thunderbirds and (files := _letters_in(folder / "cur")):
        box = partial(Letters, folder, files)
        yield Box(name, folder, MESSAGE * len(files), MESSAGE, box)
    for entry in _entries(folder, must=not depth):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            is_part = (is_maildir or is_thunderbirds) and entry.name in _PARTS
            if not is_part and depth < MAX_DEPTH:
                yield from _boxes(path, name + _called(path), letters, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            if _is_mbox(path):
                yield mbox_at(path, _name_of_mbox(path, name))
            elif entry.name.lower().endswith(SUFFIX):
                letters.append(path)


def _maildir_at(path: Path, name: Name) -> Box:
    octets = MESSAGE * sum(len(_entries(path / part)) for part in ("cur", "new"))
    return Box(name, path, octets, MESSAGE, partial(Maildir, path, with_trashed=True))


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


def _letters_in(folder: Path) -> list[Path]:
    found = (entry for entry in _entries(folder) if entry.is_file(follow_symlinks=False))
    return [Path(entry.path) for entry in found]


def _entries(folder: Path, *, must: bool = False) -> list[os.DirEntry[str]]:
    """By name; none, if it cannot be read.

    Raises:
        SourceUnusable: that is so, and it *must* be.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        if must:
            raise SourceUnusable(f"{folder}: cannot be read: {error.strerror}") from error
        return []


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_mbox(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_mbox(file.read(_HEAD))
    except OSError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
