"""A small file system of a test's own, so that a disk can be full without harm to anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, octets: int) -> Iterator[Path]:
    """The new *folder* is a file system of that size; skips the test where that cannot be had."""
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux may mount a small file system")
    options = f"size={octets},mode=0700"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "pillarbox-test", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"root may not mount here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder: Path, left: int = 0) -> Iterator[None]:
    """The file system of *folder* is filled to its last octet, but for those *left*."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file:
        for size in (1024 * 1024, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
        file.truncate(max(0, file.tell() - left))
    yield
    path.unlink()
