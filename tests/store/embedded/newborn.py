"""An actor that begins in milliseconds, and waits before it opens its store.

Hundreds of them are killed, and an interpreter that starts and imports Pillarbox takes longer
than what it is killed at (see :mod:`tests.warm`).
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import IO

from tests import warm

_WAIT = "import os; os.read(0, 1)"
_STDERR = 2


class Newborn:
    """An actor (see ``actor.py``); it waits to be :meth:`told` before it does anything."""

    def __init__(self, folder: Path, *steps: str) -> None:
        stdin, ours = os.pipe()
        theirs, stdout = os.pipe()
        self._process = warm.start(
            [str(folder), *steps],
            {**os.environ, "PYTHONUTF8": "1"},
            module="tests.store.embedded.actor",
            prelude=_WAIT,
            stdin=stdin,
            out=stdout,
            err=_STDERR,
        )
        os.close(stdin)
        os.close(stdout)
        self._stdin: IO[bytes] = os.fdopen(ours, "wb", buffering=0)
        self._stdout: IO[bytes] = os.fdopen(theirs, "rb")
        self.pid = self._process.pid

    def told(self) -> None:
        """End its wait."""
        self._stdin.write(b"\n")

    def heard(self) -> str:
        """Its next answer."""
        return self._stdout.readline().decode().rstrip("\n")

    def ended(self) -> tuple[str, int]:
        """Wait until it has ended: the rest of its answers, and its status."""
        answers = self._stdout.read().decode()
        return answers, self._process.wait()

    def end(self) -> None:
        """Kill it, if it still runs."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._stdin.close()
        self._stdout.close()
