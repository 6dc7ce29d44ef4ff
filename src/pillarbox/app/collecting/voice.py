"""Where a command that collects mail speaks: results to stdout, problems to stderr.

Nobody listening is no reason to leave mail where it is: a pipe that broke or a log's disk
that is full ends the talking, not the collecting.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

from pillarbox.app.texts import printable


class Voice:
    """Speaks a line at a time; each is out when the call returns."""

    def __init__(self) -> None:
        self._broken: set[int] = set()
        self.above: Callable[[str], None] | None = None
        """Prints a line above the bars on the terminal, while there are some."""

    def say(self, line: str) -> None:
        """A result."""
        self._write(sys.stdout, printable(line))

    def complain(self, line: str) -> None:
        """A problem."""
        self._write(sys.stderr, f"pillarbox: {printable(line)}")

    def note(self, line: str) -> None:
        """Something for a person, beside the results."""
        self._write(sys.stderr, printable(line))

    def _write(self, stream: TextIO, line: str) -> None:
        if self.above is not None and stream.isatty():
            self.above(line)
            return
        if id(stream) in self._broken:
            return
        encoding = stream.encoding or "ascii"
        try:
            stream.write(f"{line.encode(encoding, 'backslashreplace').decode(encoding)}\n")
            stream.flush()
        except OSError:
            self._broken.add(id(stream))
            _silence(stream)


def _silence(stream: TextIO) -> None:
    """Let what is still in its buffer go nowhere, or it would be tried once more at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
