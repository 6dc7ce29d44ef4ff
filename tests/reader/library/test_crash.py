"""``kill -9`` before any call that changes a file, and the reader that is started after it.

What must hold after each kill: every message is in exactly one folder, whole; the rules are the old ones or the new ones. And a
reader that is started then knows all of them, can do the same work, and adds nothing twice.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.model import SENT, MessageKey
from tests.fetch.test_crash import injected
from tests.reader.library.conftest import Place
from tests.reader.library.crashrun import ADDED, ERASED, NAME, RULES, prepare, work

CALLS = ("rename", "unlink", "write")
RARE = ("mkdir", "rmdir")
"""Calls that make and remove folders only."""


@pytest.mark.parametrize(
    ("call", "every"),
    [
        *((call, 5) for call in CALLS),
        *(pytest.param(call, 1, marks=pytest.mark.long) for call in CALLS),
    ],
)
def test_kill_before_changes(strace: str, tmp_path: Path, call: str, every: int) -> None:
    killed_at_each(strace, tmp_path, call, every)


@pytest.mark.long
@pytest.mark.parametrize("call", RARE)
def test_kill_while_folders_come_and_go(strace: str, tmp_path: Path, call: str) -> None:
    killed_at_each(strace, tmp_path, call, 1)


def test_kill_before_some_syncs(strace: str, tmp_path: Path) -> None:
    killed_at_each(strace, tmp_path, "fsync", 9)


@pytest.mark.long
def test_kill_before_every_sync(strace: str, tmp_path: Path) -> None:
    killed_at_each(strace, tmp_path, "fsync", 1)


def killed_at_each(strace: str, folder: Path, call: str, stride: int) -> None:
    for number in count(1, stride):
        place = Place(folder / str(number))
        before = prepare(place)
        program = (sys.executable, "-m", "tests.reader.library.crashrun", str(place.root))
        done = subprocess.run(
            [strace, "-f", "-o", "/dev/null", "-e", injected(call, number), *program],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
        )
        assert done.returncode in {0, -9, 137}, done.stderr.decode()
        check_files(place, before)
        check_next(place, before)
        if done.returncode == 0:
            assert number > 1, f"it never calls {call}"
            return


def check_files(place: Place, before: set[bytes]) -> None:
    """As they lie there."""
    messages = [text for name, text in place.files().items() if "/tmp/" not in name]
    found = Counter(messages)
    assert set(found.values()) == {1}, "twice"
    assert before - set(found) <= {ERASED}, "lost"
    assert set(found) - before <= {ADDED}, "in part"


def check_next(place: Place, before: set[bytes]) -> None:
    library = place.open()
    assert library.rules.problem == ""
    assert list(library.rules.all())[:1] == RULES
    library.look()
    rows = listed(library)
    assert {library.read(row) for row in rows} >= before - {ERASED}
    key = library.add(SENT, ADDED, base=NAME)
    library.look()
    assert len(listed(library) | {key}) == len(rows | {key})
    if "Own" in {state.folder for state in library.folders()}:
        work(library)
        check_files(place, before)
    place.close()


def listed(library: MailLibrary) -> set[MessageKey]:
    folders = [state.folder for state in library.folders()]
    return {row.key for folder in folders for row in library.page(folder, 0, 99).rows}
