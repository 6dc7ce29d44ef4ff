"""Folders of drafts: which there are, and those that were kept long enough."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path


def names_in(folder: Path) -> list[str]:
    """Of the folders in *folder*."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def forget_old(folder: Path, now: datetime, days: int) -> None:
    """Remove those in *folder* that were put there more than so many *days* ago. What the disk does not let go stays."""
    oldest = (now - timedelta(days=days)).timestamp()
    for name in names_in(folder):
        with suppress(OSError):
            if (folder / name).stat().st_mtime < oldest:
                shutil.rmtree(folder / name)
