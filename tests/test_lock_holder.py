"""Who holds a lock is told when the system says so, and left open when it does not."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox import lock_holder
from pillarbox.lock_holder import holder_of

HEAD = "1: POSIX  ADVISORY  WRITE 99 {file} 0 EOF\n2: FLOCK  ADVISORY  WRITE 98 fd:01:1 0 EOF\n"


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Path]:
    lock = tmp_path / "writer.lock"
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield lock
    os.close(descriptor)


def test_this_process_is_found(lock: Path) -> None:
    found = holder_of(lock)
    assert found is not None
    assert found.startswith(f"process {os.getpid()} (")


def test_nobody_holds_a_file_that_is_free_or_missing(tmp_path: Path) -> None:
    (tmp_path / "free").touch()
    assert holder_of(tmp_path / "free") is None
    assert holder_of(tmp_path / "missing") is None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", None),
        ("nonsense\n", None),
        ("7: -> FLOCK  ADVISORY  WRITE 4711 {file} 0 EOF\n", None),  # one who waits
        ("7: FLOCK  ADVISORY  WRITE 0 {file} 0 EOF\n", None),  # of another container
        ("7: FLOCK  ADVISORY  WRITE -1 {file} 0 EOF\n", None),
        # Beyond the largest process number that Linux gives: it has ended.
        ("7: FLOCK  ADVISORY  WRITE 4194999 {file} 0 EOF\n", "process 4194999"),
    ],
)
def test_lines_of_the_systems_list(
    lock: Path,
    tmp_path: Path,
    lines: str,
    expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = lock.stat()
    file = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    (tmp_path / "locks").write_text((HEAD + lines).format(file=file))
    monkeypatch.setattr(lock_holder, "LOCKS", tmp_path / "locks")
    assert holder_of(lock) == expected


def test_a_system_without_such_a_list(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_holder, "LOCKS", tmp_path / "none")
    assert holder_of(lock) is None
