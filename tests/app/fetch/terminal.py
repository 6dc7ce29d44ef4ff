"""A command at a terminal: what it shows is waited for, and answered."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.app.run.processes import until_it_waits
from tests.postoffice import PATIENCE


class Terminal:
    """``pillarbox`` with these *arguments* at a terminal of its own."""

    def __init__(self, *arguments: str, home: Path, environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pillarbox", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=home,
            env={**environment, "TERM": "xterm", "COLUMNS": "100"},
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def wait_for(self, text: str) -> None:
        """Wait until it has shown *text*, since the last wait."""
        seen = ""
        while text not in seen:
            piece = self._read()
            assert piece, f"it ended without {text!r}:\n{self.shown}"
            seen += piece
            self.shown += piece

    def answer(self, line: str) -> None:
        self.type(f"{line}\n")

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def interrupt(self) -> None:
        """As Ctrl-C does, when it waits for what is typed."""
        until_it_waits(self._process.pid)
        self._process.send_signal(signal.SIGINT)

    def code(self) -> int:
        """Its exit code, when it has ended and all is read."""
        while piece := self._read():
            self.shown += piece
        return self._process.wait(PATIENCE)

    def _read(self) -> str:
        """What comes next; empty: it has ended."""
        assert select.select([self._ours], [], [], PATIENCE)[0], f"it hangs:\n{self.shown}"
        try:
            return os.read(self._ours, 65536).decode(errors="replace")
        except OSError:  # so Linux says that nobody holds the other end
            return ""
