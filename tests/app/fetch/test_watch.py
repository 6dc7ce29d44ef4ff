"""``--watch``, and what signals do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from tests.app.fetch.conftest import Box
from tests.app.fetch.scripted import Script, serving
from tests.postoffice import PATIENCE

HASTY = """\
from pillarbox.fetch import limits

limits.SHORTEST = 1

from pillarbox.app.cli import main

main()
"""
"""``pillarbox`` for which a pause of a second is long enough."""


@contextmanager
def running(
    box: Box, *arguments: str, program: Sequence[str] = ("-m", "pillarbox")
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *program, *arguments],
        cwd=box.home,
        env=box.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def event(process: subprocess.Popen[str], name: str) -> dict[str, Any]:
    """The next event of this name; others before it are passed over."""
    assert process.stdout
    for line in process.stdout:
        found: dict[str, Any] = json.loads(line)
        if found["event"] == name:
            return found
    raise AssertionError(f"it never told of {name}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stays_and_collects_what_comes_until_a_signal(box: Box, number: signal.Signals) -> None:
    box.deliver("one")
    arguments = ("fetch", box.url, *box.usual, "--json", "--watch", "1")
    with running(box, *arguments, program=("-c", HASTY)) as process:
        assert event(process, "stored")["messages"] == 1
        assert 0.8 < event(process, "pausing")["seconds"] < 1.2
        box.deliver("two")
        assert event(process, "stored")["messages"] == 1
        event(process, "pausing")
        process.send_signal(number)
        assert event(process, "done")["retrieved"] == 2
        assert process.wait(PATIENCE) == 0
    assert box.stored == ["one", "two"]
    assert box.on_server == []


def test_it_ends_by_itself_when_only_the_user_can_help(box: Box) -> None:
    (box.home / "password").write_text("wrong")
    done = box.fetch("--watch")
    assert done.code == 3
    assert (
        done.err.splitlines()[-1] == f"pillarbox: {box.name}: not tried again before that is mended"
    )


@pytest.mark.parametrize(("seconds", "least", "most"), [("15", 13, 17), (None, 269, 331)])
def test_it_pauses_for_as_long_as_was_said_or_five_minutes(
    box: Box, seconds: str | None, least: float, most: float
) -> None:
    """About: nobody comes at the exact second."""
    watch = ["--watch"] if seconds is None else ["--watch", seconds]
    with running(box, "fetch", box.url, *box.usual, *watch, "--json") as process:
        assert least < event(process, "pausing")["seconds"] < most
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_a_run_that_is_interrupted_has_stored_what_it_says_and_is_taken_up_again(box: Box) -> None:
    script = Script([b"Subject: one\r\n\r\none\r\n", b"Subject: two\r\n\r\ntwo\r\n"])
    script.stalls_at = 2
    with serving(script) as url:
        arguments = ["fetch", url, *box.usual, "--insecure-cleartext"]
        with running(box, *arguments) as process:
            assert script.stalled.wait(PATIENCE)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE)
            assert process.returncode == 1
            last = errors.splitlines()[-1]
            stored = box.stored
            count = "1 message" if len(stored) == 1 else f"{len(stored)} messages"
            assert last == (
                f"pillarbox: interrupted; {count} stored until then: the same command goes on "
                "from there"
            )
        assert len(script.messages) == 2
        assert box.run(*arguments).code == 0
    assert box.stored == ["one", "two"]
    assert script.messages == []
