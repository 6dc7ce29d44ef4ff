r"""Names of folders and of messages' files, and what may be one.

A message's file is ``cur/BASE:2,LETTERS`` or ``new/BASE`` (cr.yp.to/proto/maildir.html). The base name stays
when the message moves or is marked, and is what the message is known by; the letters are its flags.

A folder's path is made of directories' names. What the user may call one is less than what a disk may hold:
nothing that leads out of the library, hides, is taken for a part of a Maildir, or cannot be told from another name.
"""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b

from pillarbox.fetch.destinations.staging import unique_name
from pillarbox.reader.errors import BadFolderName
from pillarbox.reader.model import INBOX, TRASH, Entry, Flag, Folder, MessageKey

PARTS = ("tmp", "new", "cur")
"""Of a Maildir, in the order in which they are made: it is one when it has all three."""
MAX_PART = 200
"""Octets of a directory's name: file systems take 255, and Unicode normalised by another may be longer."""
MAX_DEPTH = 8
"""Folders in folders: a path stays below the 1,024 octets that macOS takes, and a sidebar readable."""
_KEY_OCTETS = 16
"""Of the digest in a key: 22 letters. Two of a million messages share one once in 10^26 libraries."""
_INFO = "2,"
"""Stands before flags, behind the colon."""
_LETTERS = {flag.value: flag for flag in Flag}
_PAGES = frozenset({"drafts", "outbox"})
"""What the sidebar shows beside the folders: a folder of that name could not be told from it."""
_BEFORE_NAME = re.compile(r"\A[\s.]+")
"""A folder's name cannot begin with it."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of what has no shape, or turns the text around it."""


def new_base() -> str:
    """The base name of a new message: no other process, machine or run makes it."""
    return unique_name(f"reader{secrets.token_hex(4)}")


def key_of(base: str) -> MessageKey:
    """By what pages know the message whose file has this base name."""
    digest = blake2b(os.fsencode(base), digest_size=_KEY_OCTETS).digest()
    return MessageKey(urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"))


def entry_of(folder: Folder, name: str, *, new: bool) -> Entry:
    """What a file's *name* in ``new`` or ``cur`` says. Any name says something."""
    base, _, info = name.partition(":")
    letters = info[len(_INFO) :] if info.startswith(_INFO) else ""
    flags = frozenset(_LETTERS[letter] for letter in letters if letter in _LETTERS)
    extra = "".join(letter for letter in letters if letter not in _LETTERS)
    return Entry(folder, base, flags, new, extra)


def file_name(entry: Entry) -> str:
    """The name of its file, within ``new`` or ``cur``: letters in the order of ASCII, each once."""
    if entry.new:
        return entry.base
    letters = "".join(sorted(flag.value for flag in entry.flags))
    return f"{entry.base}:{_INFO}{letters}{entry.extra}"


def folder_named(path: str) -> Folder:
    """The user's own folder that *path* names; spaces around its parts do not count.

    Raises:
        BadFolderName: no folder can be called that.
    """
    parts = [part.strip() for part in unicodedata.normalize("NFC", path).split("/")]
    for part in parts:
        _check_part(part)
    if len(parts) > MAX_DEPTH:
        raise BadFolderName(f"Folders can be {MAX_DEPTH} deep. Choose a place further up.")
    first = parts[0].casefold()
    if first == INBOX.casefold():
        raise BadFolderName("What is in Inbox are the accounts' own folders. Choose another place.")
    if first == TRASH.casefold() and len(parts) > 1:
        raise BadFolderName("Trash holds no folders. Choose another place.")
    if first in _PAGES:
        raise BadFolderName(f"There is a list called {parts[0]} already. Choose another name.")
    return Folder("/".join(parts))


def folder_like(above: Folder, names: Sequence[str]) -> Folder:
    """The folder in *above* that can stand for what another program calls so, each name in the one before; *above*, if
    there are none. What cannot be in a name is left out of it; what is too deep is named by all of its names.

    Raises:
        BadFolderName: *above* can hold none (see :func:`holds_folders`).
    """
    if not names:
        return above
    room = max(1, MAX_DEPTH - above.count("/") - 1)
    if len(names) > room:
        names = [*names[: room - 1], " - ".join(names[room - 1 :])]
    return folder_named("/".join([above, *map(_part_like, names)]))


def _part_like(name: str) -> str:
    seen = (
        letter for letter in name.replace("/", "_") if unicodedata.category(letter) not in _UNSEEN
    )
    part = unicodedata.normalize("NFC", _BEFORE_NAME.sub("", "".join(seen))).strip()
    part = part.encode()[:MAX_PART].decode(errors="ignore").strip()
    return f"{part}_" if not part or part.casefold() in PARTS else part


def holds_folders(folder: Folder) -> bool:
    """Whether the user can have folders in it."""
    above, *below = folder.split("/")
    return above not in {INBOX, TRASH} and len(below) + 1 < MAX_DEPTH


def is_folder_name(name: str) -> bool:
    """Whether a directory of that *name*, found on disk, can be shown as a folder."""
    return name.isprintable() and not name.startswith(".") and name.casefold() not in PARTS


def same_name(one: str, other: str) -> bool:
    """Whether some file systems, and some people, would not tell the two apart."""
    return folded(one) == folded(other)


def folded(name: str) -> str:
    """For comparing: without the difference between large and small letters, and ways to write one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _check_part(part: str) -> None:
    """Raises BadFolderName."""
    if not part:
        raise BadFolderName("A folder needs a name; / stands between a folder and one in it.")
    if any(unicodedata.category(letter) in _UNSEEN for letter in part):
        raise BadFolderName("The name has characters that cannot be seen. Type it anew.")
    if part.startswith("."):
        raise BadFolderName("A folder's name cannot begin with a dot. Choose another name.")
    if part.casefold() in PARTS:
        raise BadFolderName(f"Mail programs use the name {part} themselves. Choose another name.")
    if len(part.encode()) > MAX_PART:
        raise BadFolderName(f"The name {part[:20]}… is too long. Choose a shorter one.")
