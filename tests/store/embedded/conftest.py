"""Other processes, and strace to stop them where it hurts."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from .newborn import Newborn

ACTOR = Path(__file__).with_name("actor.py")


class Ended(NamedTuple):
    answers: dict[str, str]
    """What each step was answered; a process that was killed leaves the rest out."""
    status: int
    log: str = ""
    """What strace wrote of the calls that it traced."""

    @property
    def injected(self) -> bool:
        return "(INJECTED)" in self.log or self.status == -9


class Actors:
    """Starts actors (see ``actor.py``) on one store, and ends those that still run."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self._running: list[subprocess.Popen[str]] = []
        self._newborn: list[Newborn] = []

    def on(self, store: Path) -> Actors:
        """The same for another store."""
        return Actors(store)

    def start(self, *steps: str, under: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Under the command *under*, if any."""
        return self._started(
            *under, sys.executable, "-X", "utf8", str(ACTOR), str(self.store), *steps
        )

    def run(self, *steps: str, under: tuple[str, ...] = ()) -> Ended:
        """Wait until it has ended, one way or the other."""
        return _ended(self.start(*steps, under=under))

    def run_traced(self, strace: str, thread: str, options: tuple[str, ...], *steps: str) -> Ended:
        """Run with strace on one thread only: strace counts the calls of each by itself."""
        actor = self._born("threads", "wait", *steps)
        actor.told()
        named = actor.heard().split()[1].split(",")
        ids = dict(pair.split("=") for pair in named)
        return self._traced(strace, options, ids[thread], actor)

    def run_traced_from_the_start(
        self, strace: str, options: tuple[str, ...], *steps: str
    ) -> Ended:
        """Run with strace on the main thread, from before the store is opened."""
        actor = self._born(*steps)
        return self._traced(strace, options, str(actor.pid), actor)

    def _born(self, *steps: str) -> Newborn:
        self._newborn.append(Newborn(self.store, *steps))
        return self._newborn[-1]

    def _traced(self, strace: str, options: tuple[str, ...], thread: str, actor: Newborn) -> Ended:
        """What becomes of *actor*, which waits."""
        log = self.store.with_name("strace.log")
        tracer = self._started(strace, "-o", str(log), *options, "-p", thread)
        assert tracer.stderr
        assert "attached" in tracer.stderr.readline()
        actor.told()
        output, status = actor.ended()
        tracer.communicate()
        return Ended(_answers(output), status, log.read_text())

    def _started(self, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self._running.append(process)
        return process

    def end(self) -> None:
        for newborn in self._newborn:
            newborn.end()
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.communicate()


def _ended(process: subprocess.Popen[str]) -> Ended:
    output, _ = process.communicate()
    return Ended(_answers(output), process.returncode)


def _answers(output: str) -> dict[str, str]:
    return dict(line.partition(" ")[::2] for line in output.splitlines())


@pytest.fixture
def actors(tmp_path: Path) -> Iterator[Actors]:
    actors = Actors(tmp_path / "store")
    yield actors
    actors.end()


@pytest.fixture(scope="session")
def strace() -> str:
    """strace, if it is there and may trace and be attached."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed: crashes between two writes cannot be staged")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        tracer = subprocess.Popen(
            [program, "-o", "/dev/null", "-p", str(process.pid)], stderr=subprocess.PIPE, text=True
        )
        assert tracer.stderr
        answer = tracer.stderr.readline()
        process.kill()
        tracer.communicate()
    if "attached" not in answer:
        pytest.skip(f"strace may not trace here, so that crashes cannot be staged: {answer}")
    return program


def heard(actor: subprocess.Popen[str]) -> str:
    """The actor's next answer."""
    assert actor.stdout
    return actor.stdout.readline().rstrip("\n")


def told(actor: subprocess.Popen[str]) -> None:
    """End the actor's wait."""
    assert actor.stdin
    actor.stdin.write("\n")
    actor.stdin.flush()


async def until(condition: Callable[[], object]) -> None:
    """Wait for what nothing tells of."""
    while not condition():  # noqa: ASYNC110 - as there is no event of it
        await asyncio.sleep(0)
