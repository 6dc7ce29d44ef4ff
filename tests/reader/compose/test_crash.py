"""``kill -9`` before any call that changes the disk: what was promised is there, the rest is there or not, whole."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from tests.fetch.conftest import strace as strace  # noqa: PLC0414 -- a fixture
from tests.fetch.test_crash import injected
from tests.reader.compose.draftrun import State, opened, state_of, steps

CALLS = {"fsync": 5, "write": 5, "rename": 4, "unlink": 2, "mkdir": 2}
"""Before every so-manieth of each the plain run kills."""


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[State]:
    """After each step of a run that nobody kills."""
    drafts = opened(tmp_path_factory.mktemp("whole") / "drafts")
    found = [state_of(drafts)]
    for step in steps(drafts):
        step()
        found.append(state_of(drafts))
    return found


@pytest.mark.parametrize(
    ("call", "stride"),
    [*CALLS.items(), *(pytest.param(call, 1, marks=pytest.mark.long) for call in CALLS)],
)
def test_a_kill_loses_nothing_that_was_promised(
    strace: str, tmp_path: Path, states: list[State], call: str, stride: int
) -> None:
    for number in count(1, stride):
        folder = tmp_path / str(number) / "drafts"
        folder.parent.mkdir()
        run = (sys.executable, "-m", "tests.reader.compose.draftrun", str(folder))
        done = subprocess.run(
            [strace, "-f", "-o", "/dev/null", "-e", injected(call, number), *run],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
        )
        promised = done.stdout.count(b"done")
        if done.returncode == 0:
            assert promised == len(states) - 1
            assert number > 1, f"a run never calls {call}"
            return
        assert done.returncode in {-9, 137}
        for _ in range(2):  # opening tidies up, and does so again
            assert state_of(opened(folder)) in states[promised : promised + 2]
        named = {file.id for draft in opened(folder).all() for file in draft.files}
        lying = {path.name for path in folder.glob("[0-9a-f]*/files/*")}
        assert lying == named
