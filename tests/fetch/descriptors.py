"""Which files this process has open."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def open_below(folder: Path) -> list[Path]:
    """The files in *folder* that this process has open, removed or not. (Only Linux says so.)"""
    found = []
    for descriptor in Path("/proc/self/fd").glob("*"):
        with suppress(FileNotFoundError):  # that of the folder of descriptors itself
            found.append(descriptor.readlink())
    return [path for path in found if path.is_relative_to(folder)]
