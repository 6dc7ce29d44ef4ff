"""Large bodies: files, written before the index knows of them and unlinked after it forgot.

A body's way in, and what a crash leaves at each point:

1. ``staging/NAME`` is written and synced, under an flock which says that its writer lives.
   A crash leaves a staged file that nobody locks: swept at the next start.
2. Inside the shard's write transaction the row is inserted and the staged file is linked to
   ``bodies/XXXX/N`` (N is the row's number), then the folder is synced. A crash leaves a
   file whose number no row has *and which is one with a staged file that nobody locks*:
   both names are swept at the next start, this one first.
3. COMMIT. From here the body is there for good. The staged name is unlinked.

On the way out the row goes first and leaves its number in ``doomed``; after COMMIT the file
is unlinked. A crash between the two leaves a number in ``doomed``: swept at start.

A body that goes to several shards is written once and linked into each.

No other file is ever unlinked: one that the index does not know may be mail that was
delivered after the backup was made from which the index came back. It stays in its place,
where the right index would find it; ``maildrop check`` reports it, and repair moves it to
``lost``.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import threading
import zlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import structlog

from pillarbox.durable import sync_folder
from pillarbox.store.embedded.lost import set_aside

_PER_FOLDER_BITS = 10
_CANNOT_RESERVE = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""What file systems say that reserve nothing (ZFS on FreeBSD; others, where libc does not help)."""
_STAGED = re.compile("[0-9]+-[0-9a-f]{16}")

_log = structlog.get_logger("pillarbox.store")


class BodyFiles:
    """The body files of one shard."""

    __slots__ = ("folder", "shard")

    def __init__(self, shard: Path) -> None:
        self.shard = shard
        self.folder = shard / "bodies"

    def path(self, body: int) -> Path:
        return self.folder / f"{body >> _PER_FOLDER_BITS:04x}" / f"{body:x}"

    def link(self, staged: Path, body: int, *, leaving: bool = False) -> None:
        """Give the staged file its final name. The caller holds the writer lock.

        A file which already has that name is replaced if it is a *leaving* of this
        process's own; else it is set aside (the index is older than the file).
        """
        final = self.path(body)
        if not final.parent.is_dir():
            final.parent.mkdir(mode=0o700)
            sync_folder(self.folder)
        try:
            os.link(staged, final)
        except FileExistsError:
            if leaving:
                final.unlink()
            else:
                aside = set_aside(final, self.shard)
                _log.warning("set aside a body file unknown to the index", file=str(aside))
            os.link(staged, final)

    def sync(self, bodies: Iterable[int]) -> None:
        """Make the names of *bodies* durable."""
        for folder in {self.path(body).parent for body in bodies}:
            sync_folder(folder)

    def unlink(self, body: int) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path(body).unlink()

    def numbers(self) -> Iterator[int]:
        """The numbers of all files, in no order; strange names are skipped."""
        for folder in self._folders():
            yield from self._numbers_in(folder)

    def strangers(self) -> Iterator[Path]:
        """Files that are no bodies at all."""
        for folder in self._folders():
            for entry in folder.iterdir():
                number = _number(entry.name)
                if number is None or self.path(number) != entry:
                    yield entry

    def beyond(self, last: int) -> list[int]:
        """The numbers of files above *last*, the highest number that a row ever had.

        Looks only into the folders of such numbers.
        """
        first = last + 1 >> _PER_FOLDER_BITS
        suspects = [folder for folder in self._folders() if (_number(folder.name) or 0) >= first]
        return [body for folder in suspects for body in self._numbers_in(folder) if body > last]

    def leavings(self, bodies: Iterable[int], staged: Collection[Inode]) -> list[int]:
        """Those of *bodies* that deliveries which died have linked to their *staged* files."""
        return [body for body in bodies if staged and _inode(self.path(body)) in staged]

    def linked_to(self, staged: Collection[Inode]) -> list[int]:
        """The numbers of all files that are one with a *staged* file.

        Reads the names of all files, but looks at none that has not the inode's number.
        """
        wanted = {inode.number for inode in staged}
        if not wanted:
            return []
        return self.leavings(
            [body for folder in self._folders() for body in self._numbers_in(folder, wanted)],
            staged,
        )

    def drop_empty_folders(self, last: int) -> None:
        """Remove folders that no new body can come into. The caller holds the writer lock."""
        current = self.path(last + 1).parent.name
        for folder in self._folders():
            if folder.name < current and len(folder.name) <= len(current):
                with contextlib.suppress(OSError):  # not empty
                    folder.rmdir()

    def _folders(self) -> list[Path]:
        return [folder for folder in self.folder.iterdir() if folder.is_dir()]

    def _numbers_in(self, folder: Path, inodes: Collection[int] | None = None) -> Iterator[int]:
        """Of all files; or of those with one of these numbers of *inodes*."""
        try:
            with os.scandir(folder) as entries:
                names = [
                    entry.name for entry in entries if inodes is None or entry.inode() in inodes
                ]
        except FileNotFoundError:
            return
        for name in names:
            number = _number(name)
            if number is not None and self.path(number) == folder / name:
                yield number


def _number(name: str) -> int | None:
    try:
        return int(name, 16)
    except ValueError:
        return None


class Inode(NamedTuple):
    """What tells whether two names are of one file."""

    device: int
    number: int


def _inode(path: Path) -> Inode | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return Inode(found.st_dev, found.st_ino)


class Staged:
    """A body that is durable on disk but not yet in any index."""

    __slots__ = ("_descriptor", "_guard", "_sharers", "checksum", "path")

    def __init__(self, path: Path, descriptor: int, sharers: int, checksum: int) -> None:
        self.path = path
        self.checksum = checksum
        self._descriptor = descriptor
        self._sharers = sharers
        self._guard = threading.Lock()

    def done(self) -> None:
        """One of the sharers has linked it or given up; the last one takes the name away."""
        with self._guard:
            self._sharers -= 1
            if self._sharers:
                return
        with contextlib.suppress(OSError):  # then the sweep finds it, as nobody locks it
            self.path.unlink()
        os.close(self._descriptor)


def stage(folder: Path, data: bytes, sharers: int) -> Staged:
    """Write *data* durably into the staging *folder*, for as many shards as *sharers*.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path, descriptor = _new_locked(folder)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        os.close(descriptor)
        raise
    return Staged(path, descriptor, sharers, zlib.crc32(data))


def try_room(folder: Path, octets: int) -> None:
    """See that *octets* could be staged in *folder* now; nothing stays of it.

    Raises:
        OSError: there is no room for them.
    """
    path, descriptor = _new_locked(folder)
    try:
        if not _reserved(descriptor, octets):
            with open(descriptor, "wb", closefd=False) as file:
                file.write(bytes(octets))
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _reserved(descriptor: int, octets: int) -> bool:
    """Reserve *octets*, which is less work than to write them; False: this is not known here."""
    if not hasattr(os, "posix_fallocate"):
        return False
    try:
        os.posix_fallocate(descriptor, 0, octets)
    except OSError as error:
        if error.errno in _CANNOT_RESERVE:
            return False
        raise
    return True


def _new_locked(folder: Path) -> tuple[Path, int]:
    while True:
        path = folder / f"{os.getpid()}-{secrets.token_hex(8)}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return path, descriptor
        except BaseException:
            path.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        os.close(descriptor)  # a sweep took it between the two calls: try another name


def abandoned(folder: Path) -> dict[Path, Inode]:
    """Staged files that nobody locks: their writers are dead, or have only just made them and lock
    them next. Who is to tell, or to act, asks again: :func:`is_abandoned`, :func:`clear_away`.
    """
    found = {}
    for path in folder.iterdir():
        if _STAGED.fullmatch(path.name) and path.is_file():
            with _if_unlocked(path) as unlocked:
                inode = _inode(path) if unlocked else None
                if inode is not None:
                    found[path] = inode
    return found


def is_abandoned(path: Path) -> bool:
    """Whether a staged file is there, and nobody locks it."""
    with _if_unlocked(path) as unlocked:
        return unlocked and path.exists()


def clear_away(path: Path) -> bool:
    """Unlink a staged file, unless somebody locks it by now; whether it was there.

    It is locked meanwhile: a writer that has only just made it finds out that it is gone.
    """
    with _if_unlocked(path) as unlocked:
        if unlocked:
            with contextlib.suppress(FileNotFoundError):  # somebody else sweeps as well
                path.unlink()
                return True
    return False


def strangers_in_staging(folder: Path) -> Iterator[Path]:
    """What lies among the staged files but is none."""
    for path in folder.iterdir():
        if not _STAGED.fullmatch(path.name):
            yield path


@contextlib.contextmanager
def _if_unlocked(path: Path) -> Iterator[bool]:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
