"""The folder of the metrics files: private, temporary, and not left behind.

The supervisor makes it and removes it at the end. When everything is killed at once nobody
can; so it is locked as long as any process of this server lives (children inherit the
lock), and the next server to start removes what nobody locks any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from pillarbox.app.privileges import SystemUser

_PREFIX = "pillarbox-metrics-"


class MetricsFolder:
    """A folder (0700) that *user* may write; None: this process's own user."""

    def __init__(self, user: SystemUser | None) -> None:
        self.path, self._lock = _make()
        if user is not None:
            os.chown(self.path, user.uid, user.gid)

    def remove(self) -> None:
        """Remove it with all that is in it; the locks of children may still be held."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def sweep() -> None:
    """Remove the folders of servers that were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Somebody else's, or gone meanwhile: none of our business.
        with contextlib.suppress(OSError):
            lock = _lock(path)
            if lock is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)


def _make() -> tuple[Path, int]:
    """A new folder, and its lock."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
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
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
