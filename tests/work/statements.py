"""What is said to SQLite: every statement, by file, and by who says it."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

_VALUES = re.compile(r"X?'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
_connect = sqlite3.connect


class Statement(NamedTuple):
    file: str
    """The name of the file without its ending: ``index`` (of any shard), ``accounts``."""
    by_the_loop: bool
    """Whether the thread of the event loop says it, and all sessions wait."""
    text: str
    """With values left out."""


class Statements:
    """Stands for ``sqlite3.connect``. (A trigger's statements count, too.)"""

    def __init__(self) -> None:
        self._said: list[Statement] = []
        self._steps = 0
        self._open: list[sqlite3.Connection] = []

    def connect(self, database: str | Path, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = _connect(database, **options)
        file = Path(str(database).partition("?")[0]).stem
        connection.set_trace_callback(partial(self._hear, file))
        connection.set_progress_handler(self._step, 1)
        return connection

    def _hear(self, file: str, text: str) -> None:
        by_the_loop = threading.current_thread() is threading.main_thread()
        plain = " ".join(_VALUES.sub("?", text[:2000]).split())
        self._said.append(Statement(file, by_the_loop, plain))

    def _step(self) -> int:
        self._steps += 1
        return 0

    @contextlib.contextmanager
    def heard(self) -> Iterator[list[Statement]]:
        """What is said while the block runs; the list is full at its end."""
        found: list[Statement] = []
        start = len(self._said)
        yield found
        found += self._said[start:]

    @property
    def steps(self) -> int:
        """Steps of SQLite's machine until now: what its statements have cost, in jumps and calls."""
        return self._steps


def parts(
    statements: list[Statement], file: str, *, by_the_loop: bool | None = None
) -> Counter[str]:
    """The statements to *file*, how often each; of one who says them, or (None) of all."""
    return Counter(
        statement.text
        for statement in statements
        if statement.file == file and by_the_loop in {None, statement.by_the_loop}
    )
