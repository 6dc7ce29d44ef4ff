"""Which errors mean that there is no room, whatever they say."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from pillarbox.room import is_lack_of_room

ROOMY = {"f_bavail": 1, "f_files": 1000, "f_favail": 1}


def sqlite_error(code: int | None) -> sqlite3.Error:
    error = sqlite3.OperationalError("what it says")
    if code is not None:
        error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "room", "expected"),
    [
        (OSError(errno.ENOSPC, "no space"), {}, True),
        (OSError(errno.EDQUOT, "quota"), {}, True),
        (OSError(errno.EFBIG, "limit"), {}, True),
        (OSError(errno.EIO, "broken"), {"f_bavail": 0}, False),
        (sqlite_error(sqlite3.SQLITE_FULL), {}, True),
        (sqlite_error(sqlite3.SQLITE_IOERR_SHMSIZE), {"f_bavail": 0}, True),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), {"f_favail": 0}, True),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), {"f_files": 0, "f_favail": 0}, False),
        (sqlite_error(sqlite3.SQLITE_IOERR), {}, False),
        (sqlite_error(sqlite3.SQLITE_CORRUPT), {"f_bavail": 0}, False),
        (sqlite_error(None), {"f_bavail": 0}, False),
        (ValueError(), {"f_bavail": 0}, False),
    ],
)
def test_table(
    error: Exception,
    room: dict[str, int],
    expected: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**(ROOMY | room)))
    assert is_lack_of_room(error, tmp_path) is expected


def test_a_file_system_that_says_nothing_is_not_full(tmp_path: Path) -> None:
    assert not is_lack_of_room(sqlite_error(sqlite3.SQLITE_IOERR), tmp_path / "gone")
