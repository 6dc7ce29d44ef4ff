"""Asking for a password on a terminal: a real one, a pseudo-terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.cli.test_user import proves
from tests.app.run.processes import until_it_waits


class Terminal:
    """A process whose terminal we hold."""

    def __init__(self, command: list[str]) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self.shown = b""
        self._looked = 0

    def expect(self, text: bytes) -> None:
        """Read until *text* has been shown since the last call."""
        while text not in self.shown[self._looked :]:
            if not self._read():
                raise AssertionError(f"{text!r} is not in {self.shown!r}")
        self._looked = self.shown.index(text, self._looked) + len(text)

    def type(self, text: bytes) -> None:
        os.write(self._ours, text)

    def end(self) -> int:
        """Read the rest; the exit code."""
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait()

    def _read(self) -> bytes:
        try:
            piece = os.read(self._ours, 4096)
        except OSError:  # Linux's way to say that the other side is closed
            piece = b""
        self.shown += piece
        return piece


@pytest.fixture
def terminal(settings: list[str]) -> Iterator[Terminal]:
    command = [sys.executable, "-m", "pillarbox", *settings, "user", "add", "alice"]
    terminal = Terminal(command)
    yield terminal
    if terminal.process.poll() is None:
        terminal.process.kill()
        terminal.process.wait()


def test_asked_twice_and_never_shown(terminal: Terminal, store: Path) -> None:
    terminal.expect(b"New password for alice: ")
    terminal.type(b"geheim 1\n")
    terminal.expect(b"The same again: ")
    terminal.type(b"geheim 1\n")
    terminal.expect(b"added alice")
    assert terminal.end() == 0
    assert b"geheim" not in terminal.shown
    assert proves(store, "alice", "geheim 1")


def test_asked_again_when_the_two_differ(terminal: Terminal, store: Path) -> None:
    for second, after in [(b"b", b"The two are not the same."), (b"a", b"added alice")]:
        terminal.expect(b"New password for alice: ")
        terminal.type(b"a\n")
        terminal.expect(b"The same again: ")
        terminal.type(second + b"\n")
        terminal.expect(after)
    assert terminal.end() == 0


def test_given_up_after_three_times(terminal: Terminal, store: Path) -> None:
    for _ in range(3):
        terminal.expect(b"New password for alice: ")
        terminal.type(b"a\n")
        terminal.expect(b"The same again: ")
        terminal.type(b"b\n")
    terminal.expect(b"no password was set")
    assert terminal.end() == 2


def test_ctrl_c_ends_it_quietly(terminal: Terminal) -> None:
    terminal.expect(b"New password for alice: ")
    until_it_waits(terminal.process.pid)
    terminal.process.send_signal(2)
    assert terminal.end() == 1
    assert b"Traceback" not in terminal.shown
