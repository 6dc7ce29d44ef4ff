"""``pillarbox`` with a wire across its way: ``python -m tests.reader.story.tripwire ARGUMENTS``.

The file ``wire`` in the working directory is looked at before each change of a file below it: ``kill 3 outbox`` ends the
process before the third change, counted from when the file was written, of a file whose path has ``outbox`` in it; ``term 3
outbox`` asks it to end; ``full 3 outbox`` is a disk on which nothing new can be made from the third on, for as long as the
file is there. So a test has the moment in its hand, and need not guess at milliseconds.
"""

from __future__ import annotations

import errno
import os
import runpy
import signal
import sys
import threading
from pathlib import Path
from typing import Any

WIRE = "wire"
_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"}
_MAKES = {"open", "os.mkdir", "os.link"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Wire:
    """Is stepped on by :meth:`heard`, an audit hook (PEP 578): called before the system call is made."""

    def __init__(self, folder: Path) -> None:
        self._folder = f"{folder}/"
        self._wire = f"{folder}/{WIRE}"
        self._armed: object = None
        self._left = 0
        self._what, self._where = "", ""
        self._turn = threading.Lock()
        self._inside = threading.local()

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" and event not in _CHANGES:
            return
        if event == "open" and not arguments[2] & _WRITES:
            return
        if getattr(self._inside, "it", False) or not isinstance(arguments[0], (str, os.PathLike)):
            return
        paths = [os.fspath(each) for each in arguments[:2] if isinstance(each, (str, os.PathLike))]
        if not str(paths[0]).startswith(self._folder):
            return
        self._inside.it = True
        try:
            with self._turn:
                self._stepped(event, " ".join(map(str, paths)))
        finally:
            self._inside.it = False

    def _stepped(self, event: str, paths: str) -> None:
        try:
            found = os.stat(self._wire)  # noqa: PTH116 -- quickly
        except FileNotFoundError:
            return
        if self._armed != (found.st_ino, found.st_mtime_ns):
            self._armed = (found.st_ino, found.st_mtime_ns)
            self._what, count, *where = Path(self._wire).read_text().split()
            self._left, self._where = int(count), " ".join(where)
        if self._where not in paths or (self._what == "full" and event not in _MAKES):
            return
        self._left -= 1
        if self._left > 0 or (self._left < 0 and self._what != "full"):
            return
        if self._what == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), paths)
        os.kill(os.getpid(), signal.SIGKILL if self._what == "kill" else signal.SIGTERM)


def arm(folder: Path, what: str) -> None:
    """Put the wire there, all at once; *what*: see the module."""
    fresh = folder / f"{WIRE}.new"
    fresh.write_text(what)
    fresh.replace(folder / WIRE)


def disarm(folder: Path) -> None:
    (folder / WIRE).unlink(missing_ok=True)


if __name__ == "__main__":
    sys.addaudithook(Wire(Path.cwd()).heard)
    runpy.run_module("pillarbox", run_name="__main__", alter_sys=True)
