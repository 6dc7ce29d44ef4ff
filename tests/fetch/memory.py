"""Where folders of tests lie: in memory where that can be had, for thousands of runs wait for each sync."""

from __future__ import annotations

from pathlib import Path

_SHARED = Path("/dev/shm")


def in_memory() -> Path | None:
    """A folder in memory; None: there is none, so it has to be the disk."""
    return _SHARED if _SHARED.is_dir() else None
