"""``kill -9`` before any write, sync, rename, link or unlink of a run, and the run after it.

strace kills the process before the N-th call of each system call that changes a file, for
every N until the process gets through. What must hold after each kill: no message is at the
destination twice or in part, and none is missing from the server that is not there. And
after one more run: every message is there exactly once, and none on the server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from tests.fetch.minirun import BATCH, main, stored_in

KINDS = ("maildir", "mbox", "mh")
CALLS = ("fsync", "fdatasync", "write", "rename", "link", "unlink", "mkdir", "ftruncate")
MESSAGES = {
    f"id{number}": b"Subject: %d\r\n\r\nFrom me\r\n>From you\r\n" % number + b"text\r\n" * number
    for number in range(1, BATCH + 2)  # a whole batch and a part of one
}
SPARSE = 9
"""The plain run tries every so-manieth write into the journal."""


class Place:
    """A mailbox, a state folder and a destination, made anew for each kill."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self._kind = kind
        self._fresh = count(1)

    def renew(self) -> None:
        place = self._folder / str(next(self._fresh))
        self.mailbox, self.state = place / "mailbox", place / "state"
        self.target = f"{self._kind}:{place / 'mail'}"
        self.mailbox.mkdir(parents=True)
        for name, content in MESSAGES.items():
            (self.mailbox / name).write_bytes(content)

    def run_under(self, *command: str) -> int:
        """The exit status of a run."""
        run = (sys.executable, "-m", "tests.fetch.minirun")
        done = subprocess.run(
            [*command, *run, str(self.state), str(self.mailbox), self.target],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
        )
        return done.returncode

    def check_after_kill(self) -> None:
        found = Counter(stored_in(self.target))
        assert set(found.values()) <= {1}, "twice"
        assert set(found) <= set(MESSAGES.values()), "in part"
        left = {path.name for path in self.mailbox.iterdir()}
        assert all(found[text] for name, text in MESSAGES.items() if name not in left), "lost"

    def check_after_next_run(self) -> None:
        main(self.state, self.mailbox, self.target)
        assert stored_in(self.target) == sorted(MESSAGES.values())
        assert list(self.mailbox.iterdir()) == []
        assert not [path for path in self.state.glob("spool/*/*") if path.name != "intent"]
        names = [path.name for path in Path(self.target.partition(":")[2]).rglob(".pillarbox-*")]
        assert names == []


@pytest.fixture(params=KINDS)
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    return Place(tmp_path, request.param)


@pytest.mark.parametrize("call", CALLS)
def test_kill_before_any_change(strace: str, place: Place, call: str) -> None:
    killed_at_each(strace, place, call, 1)


def test_kill_before_some_writes_of_the_journal(strace: str, place: Place) -> None:
    killed_at_each(strace, place, "pwrite64", SPARSE)


@pytest.mark.long
def test_kill_before_every_write_of_the_journal(strace: str, place: Place) -> None:
    killed_at_each(strace, place, "pwrite64", 1)


def killed_at_each(strace: str, place: Place, call: str, stride: int) -> None:
    names = (
        f"?{call},?{call}at,?{call}at2" if call in {"rename", "link", "unlink", "mkdir"} else call
    )
    for number in count(1, stride):
        place.renew()
        inject = f"inject={names}:signal=KILL:when={number}"
        status = place.run_under(strace, "-f", "-o", "/dev/null", "-e", inject)
        if status == 0:
            place.check_after_next_run()
            return
        assert status in {-9, 137}
        place.check_after_kill()
        place.check_after_next_run()
