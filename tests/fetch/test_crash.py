"""``kill -9`` before any write, sync, rename, link or unlink of a run, and the run after it.

strace kills the process before the N-th call of each system call that changes a file, for
every N until the process gets through. What must hold after each kill: no message is at the
destination twice or in part, and none is missing from the server that is not there. And
after one more run: every message is there exactly once, and none on the server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
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
AT = ("rename", "link", "unlink", "mkdir")
"""Calls that have relatives with another name."""
STRIDES = {
    "fsync": 5, "fdatasync": 5, "write": 3, "unlink": 4, "mkdir": 2, "pwrite64": 9,
}  # fmt: skip
"""The plain run tries every so-manieth of these calls, each kind of destination from another one on:
all make more. The long one tries all of them."""


class Place:
    """A mailbox, a state folder and a destination, made anew for each kill."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self.kind = kind
        self._fresh = count(1)

    def renew(self, target: str | None = None) -> None:
        place = self._folder / str(next(self._fresh))
        self.mailbox, self.state = place / "mailbox", place / "state"
        self.target = target or f"{self.kind}:{place / 'mail'}"
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


EXTENT = pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])


@EXTENT
@pytest.mark.parametrize("call", [*CALLS, "pwrite64"])
def test_kill_before_any_change(strace: str, place: Place, call: str, every: bool) -> None:
    """``pwrite64``: writes into the journal."""
    killed_at_each(strace, place, call, numbers(call, place.kind, every=every))


FIRST_KILL = {"maildir": ("rename", 2), "mbox": ("unlink", 8), "mh": ("link", 3)}
"""A kill that leaves a batch half published."""


@EXTENT
@pytest.mark.parametrize("call", ["fsync", "fdatasync", "unlink", "rename", "link", "ftruncate"])
def test_kill_while_settling_what_a_kill_has_left(
    strace: str, place: Place, call: str, every: bool
) -> None:
    tried = numbers(call, place.kind, every=every)
    killed_at_each(strace, place, call, tried, FIRST_KILL[place.kind])


@EXTENT
@pytest.mark.parametrize("call", ["fsync", "fdatasync", "unlink", "write"])
def test_a_command_gets_every_message_and_hardly_one_twice(
    strace: str, tmp_path: Path, call: str, every: bool
) -> None:
    """Twice only the one that was in its hands when the run was killed."""
    out = tmp_path / "out"
    for number in numbers(call, "command", every=every):
        place = Place(tmp_path, "command")
        out.mkdir()
        place.renew(f"command:sh -c 'cat > {out}/$$.$(date +%s%N)'")
        status = place.run_under(strace, "-o", "/dev/null", "-e", injected(call, number))
        left = {path.name for path in place.mailbox.iterdir()}
        taken = {path.read_bytes() for path in out.iterdir()}
        wanted = {name: text.replace(b"\r\n", b"\n") for name, text in MESSAGES.items()}
        assert {text for name, text in wanted.items() if name not in left} <= taken, "lost"
        main(place.state, place.mailbox, place.target)
        found = Counter(path.read_bytes() for path in out.iterdir())
        assert set(found) == set(wanted.values())
        assert found.total() <= len(MESSAGES) + 1
        assert list(place.mailbox.iterdir()) == []
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        if status == 0:
            assert number > 1, f"a run never calls {call}"
            return


def numbers(call: str, kind: str, *, every: bool) -> Iterator[int]:
    """Before which of these calls a run is killed."""
    stride = 1 if every else STRIDES.get(call, 1)
    return count(1 + [*KINDS, "command"].index(kind) % stride, stride)


def killed_at_each(
    strace: str,
    place: Place,
    call: str,
    tried: Iterator[int],
    first: tuple[str, int] | None = None,
) -> None:
    """*first*: a kill before the run that is killed at each call."""
    for number in tried:
        place.renew()
        if first is not None:
            assert place.run_under(strace, "-f", "-o", "/dev/null", "-e", injected(*first)) != 0
            place.check_after_kill()
        status = place.run_under(strace, "-f", "-o", "/dev/null", "-e", injected(call, number))
        if status == 0:
            place.check_after_next_run()
            return
        assert status in {-9, 137}
        place.check_after_kill()
        place.check_after_next_run()


def injected(call: str, number: int) -> str:
    """strace's words for a kill before the *number*-th *call*."""
    kinds = f"?{call},?{call}at,?{call}at2" if call in AT else call
    return f"inject={kinds}:signal=KILL:when={number}"
