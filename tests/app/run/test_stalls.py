"""Children that live but do nothing are named, and then killed: that frees what they hold."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pillarbox.app.config import Config
from pillarbox.app.config.settings import Server
from pillarbox.app.shared import Column, SharedTable, State
from pillarbox.app.supervisor_children import Child, Post
from pillarbox.app.supervisor_setup import Setup
from pillarbox.app.supervisor_stalls import HOPELESS_SECONDS, STALL_SECONDS, StallWatch
from pillarbox.app.supervisor_succession import RELOAD_PATIENCE_SECONDS, Succession
from tests.postoffice import PostOffice

LOOK = 5.0


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The signals sent, as (pid, number)."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    return sent


def manned(column: Column | None, pid: int = 4711, state: State = State.READY) -> Post:
    assert column is not None
    column.state = state
    return Post("worker", 0, Child(pid, column))


def look_for(watch: StallWatch, clock: Clock, post: Post, seconds: float) -> None:
    """Look every few seconds, for so long."""
    assert post.child is not None
    end = clock.now + seconds
    while clock.now < end:
        clock.now = min(end, clock.now + LOOK)
        watch.look([(post, post.child)])


def test_a_child_that_does_not_respond_is_reported_once_and_killed_in_the_end(
    clock: Clock, sent: list[tuple[int, int]]
) -> None:
    watch, post = StallWatch(), manned(SharedTable(1).take(1))
    with capture_logs() as logs:
        look_for(watch, clock, post, STALL_SECONDS)
        assert logs == []
        look_for(watch, clock, post, HOPELESS_SECONDS - STALL_SECONDS)
        assert [line["event"] for line in logs] == ["does not respond"]
        assert sent == []
        look_for(watch, clock, post, LOOK)
    assert sent == [(4711, signal.SIGKILL)]
    assert logs[-1]["event"] == "killed: it did not respond"


def test_a_child_that_responds_again_is_spared(clock: Clock, sent: list[tuple[int, int]]) -> None:
    watch, post = StallWatch(), manned(SharedTable(1).take(1))
    assert post.child is not None
    with capture_logs() as logs:
        look_for(watch, clock, post, HOPELESS_SECONDS - LOOK)
        post.child.column.beat()
        look_for(watch, clock, post, LOOK)
    assert [line["event"] for line in logs] == ["does not respond", "responds again"]
    assert sent == []


def test_a_child_that_starts_may_take_its_time(clock: Clock, sent: list[tuple[int, int]]) -> None:
    post = manned(SharedTable(1).take(1), state=State.STARTING)
    look_for(StallWatch(), clock, post, 10 * HOPELESS_SECONDS)
    assert sent == []


def test_nobody_is_blamed_for_a_time_when_the_supervisor_slept_too(
    clock: Clock, sent: list[tuple[int, int]]
) -> None:
    watch, post = StallWatch(), manned(SharedTable(1).take(1))
    assert post.child is not None
    look_for(watch, clock, post, LOOK)
    clock.now += 24 * 3600
    watch.look([(post, post.child)])
    look_for(watch, clock, post, STALL_SECONDS)
    assert sent == []


def test_a_reload_does_not_wait_for_ever_for_an_old_process_that_hangs(
    clock: Clock, sent: list[tuple[int, int]]
) -> None:
    table = SharedTable(2)
    line = Succession(Setup(Config(server=Server(workers=1)), None, None, None, ()))
    line.serving.posts[:1] = [manned(table.take(1), 1)]
    line.settle()
    line.begin(line.serving.setup)
    assert line.coming is not None
    line.coming.posts[:1] = [manned(table.take(2), 2)]
    for generation in line.all():
        generation.posts = generation.posts[:1]
    line.settle()
    assert line.serving.number == 2
    assert not line.is_settled
    with capture_logs() as logs:
        clock.now += RELOAD_PATIENCE_SECONDS
        line.settle()
        assert not line.is_settled
        clock.now += 1
        line.settle()
    assert line.is_settled
    assert [line["event"] for line in logs] == [
        "processes of before the reload still accept; going on",
        "ready",
    ]
    assert logs[0]["pids"] == [1]


def test_a_second_reload_says_that_it_waits(tmp_path: Path) -> None:
    with PostOffice(tmp_path) as office:
        workers = office.workers()
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)  # so that the first reload is not over at once
        office.signal(signal.SIGHUP)
        office.log.wait_for("reloading")
        office.signal(signal.SIGHUP)
        office.log.wait_for("reload follows when the one under way is done")
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        office.log.wait_for("ready", count=3)
