"""Maildirs made for a test."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Put = Callable[[str, bytes], Path]


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    path = tmp_path / "Maildir"
    for folder in ("cur", "new", "tmp"):
        (path / folder).mkdir(parents=True)
    return path


@pytest.fixture
def put(maildir: Path) -> Put:
    """``put("new/1700000000.x", b"...")``: one file; all have the same time of change."""

    def put(name: str, content: bytes) -> Path:
        path = maildir / name
        path.write_bytes(content)
        os.utime(path, (1_600_000_000, 1_600_000_000))
        return path

    return put
