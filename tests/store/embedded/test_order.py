"""Durable before acknowledged: the order of writes, syncs and answers, as the kernel saw it.

The writer's thread acknowledges by waking the event loop (a byte sent to a socket pair). What
it writes from then on, while the event loop has yet to print the answer, is tidying up, which
is not synced and need not be. So that this is met every time, answers are printed late.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Actors

CALLS = "sendto,write,pwrite64,fsync,fdatasync,?link,linkat,?unlink,unlinkat"
LATE_MICROSECONDS = 50_000
SMALL = "deliver:small:5:alice"
LARGE = "deliver:large:20000:alice"
COMMIT = "commit:alice:1,2"


class Trace:
    """What happened, in order: each call at the moment when it was done."""

    def __init__(self, log: Path) -> None:
        begun: dict[str, str] = {}
        self.events: list[str] = []
        for line in log.read_text().splitlines():
            thread, text = line.split(None, 1)
            if text.endswith("<unfinished ...>"):
                begun[thread] = text.removesuffix("<unfinished ...>")
            elif text.startswith("<..."):
                self.events.append(begun.pop(thread) + text)
            else:
                self.events.append(text)

    def all(self, pattern: str, before: int) -> list[int]:
        return [n for n, event in enumerate(self.events[:before]) if re.search(pattern, event)]

    def last(self, pattern: str, before: int) -> int:
        """Where the last call like *pattern* was done before the event *before*."""
        return self.all(pattern, before)[-1]

    def printed(self, step: str) -> int:
        return self.last(rf'^write\(1<.*"{step} ok', len(self.events))

    def acknowledged(self, step: str) -> int:
        """Where the event loop was woken to answer *step*."""
        return self.last(r"^sendto\(", self.printed(step))


@pytest.fixture
def trace(actors: Actors, strace: str, tmp_path: Path) -> Trace:
    log = tmp_path / "log"
    # The first step makes the writer's connection, which writes and syncs in its own order.
    steps = (
        "deliver:first:5:alice",
        SMALL,
        LARGE,
        "open:alice",
        "commit:alice:2,3",
        "release:alice",
    )
    late = f"inject=write:delay_enter={LATE_MICROSECONDS}"
    calls = ("-e", f"trace={CALLS}", "-e", late)
    command = (strace, "-f", "-qq", "-y", "-s", "100", *calls, "-o", str(log))
    ended = actors.run(*steps, under=command)
    assert set(ended.answers.values()) == {"ok"}
    return Trace(log)


@pytest.mark.parametrize(
    ("step", "before"),
    [(SMALL, "deliver:first:5:alice"), (LARGE, SMALL), ("commit:alice:2,3", "open:alice")],
)
def test_the_index_is_synced_before_the_answer(trace: Trace, step: str, before: str) -> None:
    answer = trace.acknowledged(step)
    written = trace.last(r"^pwrite64\(.*index\.db-wal", answer)
    synced = trace.last(r"^fdatasync\(.*index\.db-wal.*= 0", answer)
    assert trace.printed(before) < written < synced < answer < trace.printed(step)


def test_a_large_body_is_synced_before_it_is_linked_and_listed(trace: Trace) -> None:
    answer = trace.acknowledged(LARGE)
    written = trace.last(r"^write\(.*/staging/", answer)
    synced = trace.last(r"^fsync\(.*/staging/.*= 0", answer)
    linked = trace.last(r"^link", answer)
    folder_synced = trace.last(r"^fsync\(.*/bodies/0000>\).*= 0", answer)
    index_synced = trace.last(r"^fdatasync\(.*index\.db-wal.*= 0", answer)
    assert written < synced < linked < folder_synced < index_synced < answer


def test_a_body_file_is_removed_after_its_row(trace: Trace) -> None:
    end = len(trace.events)
    (removed,) = trace.all(r"^unlink.*/bodies/0000/", end)
    answer = trace.acknowledged("commit:alice:2,3")
    synced = trace.last(r"^fdatasync\(.*index\.db-wal.*= 0", answer)
    assert synced < removed
