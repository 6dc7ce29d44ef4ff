"""The folder of the metrics files: private, temporary, and not left behind.

It lies in the store's folder, where nobody else may write: in a place like ``/tmp`` other
users could lay something in the way. The supervisor makes it and removes it at the end.
When everything is killed at once nobody can; so it is locked as long as any process of this
server lives (children inherit the lock), and the next server to start removes what nobody
locks any more. Root does all this with the rights of the store's user and no more.

Mail is more important than counting it: a folder that cannot be made is reported, and the
server serves without.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path

import structlog

from pillarbox.app.privileges import SystemUser, acting_as

_PREFIX = "metrics-"

_log = structlog.get_logger("pillarbox.metrics")


class MetricsFolder:
    """A folder (0700) in *store* that *user* may write; None: this process's own user."""

    def __init__(self, store: Path, user: SystemUser | None) -> None:
        self._user = user
        self.path: Path | None = None
        """None when it could not be made: then nothing can be counted."""
        self.lock: int | None = None
        """Descriptor that keeps others from sweeping the folder away."""
        try:
            with acting_as(user):
                self.path, self.lock = _make(store)
        except OSError as error:
            _log.error(
                "metrics cannot be kept", error=str(error), consequence="/metrics counts nothing"
            )

    def remove(self) -> None:
        """Remove it with all that is in it; the locks of children may still be held."""
        if self.path is not None:
            with acting_as(self._user):
                _remove(self.path)
        if self.lock is not None:
            os.close(self.lock)


def sweep(store: Path, user: SystemUser | None) -> list[Path]:
    """Remove the folders that servers which were killed have left in *store*; those of
    servers that live.
    """
    living = []
    # Not to be listed, gone meanwhile: no reason not to serve.
    with acting_as(user), contextlib.suppress(OSError):
        living = [path for path in store.glob(f"{_PREFIX}*") if _is_in_use(path)]
    return living


def _is_in_use(path: Path) -> bool:
    """Whether a server that lives has it; of a dead one it is removed."""
    with contextlib.suppress(OSError):
        lock = _lock(path)
        if lock is None:
            return True
        if os.fstat(lock).st_uid == os.geteuid():
            _remove(path)
        os.close(lock)
    return False


def _remove(path: Path) -> None:
    """Remove the folder and its files. Ours have no folders within: one that has stays."""
    with contextlib.suppress(OSError):
        for file in path.iterdir():
            file.unlink()
        path.rmdir()


def _make(store: Path) -> tuple[Path, int]:
    """A new folder, and its lock.

    Raises:
        OSError: it cannot be made.
    """
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=store))
        # Another server's sweep may come between the two; then there is nothing to lock.
        with contextlib.suppress(FileNotFoundError):
            lock = _lock(path)
            if lock is not None and path.exists():
                return path, lock


def _lock(path: Path) -> int | None:
    """Lock the folder until the descriptor is closed everywhere; None: somebody has it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return descriptor
