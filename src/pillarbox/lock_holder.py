"""Who holds an flock? For log lines and error texts only: nothing is decided by it.

Linux lists all file locks in ``/proc/locks``, by process and inode::

    12: FLOCK  ADVISORY  WRITE 4711 fd:01:1835 0 EOF
    12: -> FLOCK  ADVISORY  WRITE 4712 fd:01:1835 0 EOF      (one who waits for it)

A process of another container has no number here (0); and some file systems are listed under
another device than ``stat`` tells of. Then, as on other systems, it stays unknown.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

LOCKS = Path("/proc/locks")
_KIND, _PROCESS, _FILE = 1, 4, 5
_FIELDS = 8


def holder_of(path: Path) -> str | None:
    """The process that has *path* locked, as ``process 4711 (tar, stopped)``; None: unknown."""
    try:
        found = path.stat()
        lines = LOCKS.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    file = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for fields in map(str.split, lines):
        if len(fields) == _FIELDS and (fields[_KIND], fields[_FILE]) == ("FLOCK", file):
            return _described(fields[_PROCESS])
    return None


def _described(process: str) -> str | None:
    if not process.isdigit() or process == "0":
        return None
    words = []
    with contextlib.suppress(OSError):  # it has ended, or hides
        status = Path("/proc", process, "status").read_text(errors="backslashreplace")
        told = dict(line.partition(":\t")[::2] for line in status.splitlines())
        words.append(told["Name"])
        if told["State"].startswith(("T", "t")):
            words.append("stopped")
    return f"process {process} ({', '.join(words)})" if words else f"process {process}"
