"""How messages were a while ago, so that what has come since can be told from what was there. Ends with the program."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from pillarbox.reader.model import Flag, Folder, MessageKey

MAX_CHANGES = 50_000
"""To one message each; some 10 MB. What was before the first of them is forgotten."""
_FROM, _UNTIL = 2**32, 2**52
"""Where moments begin: scripts know whole numbers up to 2**53."""


class State(NamedTuple):
    """Of a message, as far as it decides in which lists it is."""

    folder: Folder
    flags: frozenset[Flag]


class Was(NamedTuple):
    """A message has changed."""

    key: MessageKey
    before: State | None
    """None: it was not there, or had another key."""


class Past:
    """Moments are numbers that grow by one with each change. They begin somewhere, so that those of another run, or of
    another index, are none of these. From any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """All that was, and all moments there were."""
        with self._lock:
            self._first = _FROM + secrets.randbelow(_UNTIL - _FROM)
            self._changes: deque[Was] = deque()
            self._coming: list[Was] = []
            """Announced: a list may show them already."""

    @property
    def now(self) -> int:
        with self._lock:
            return self._first + len(self._changes)

    def announce(self, changes: Iterable[Was]) -> None:
        """They are about to be committed, or none is: *since* knows of them, and they are after all moments there were.
        Until :meth:`note`, one thread at a time.
        """
        with self._lock:
            self._coming = list(changes)

    def note(self) -> None:
        """What was announced has been committed."""
        with self._lock:
            self._changes.extend(self._coming)
            self._coming = []
            while len(self._changes) > MAX_CHANGES:
                self._changes.popleft()
                self._first += 1

    def since(self, moment: int) -> dict[MessageKey, State | None] | None:
        """How those messages were at *moment* that have changed since; None: that is forgotten, or was never."""
        with self._lock:
            passed = moment - self._first
            if not 0 <= passed <= len(self._changes):
                return None
            changes = [*islice(self._changes, passed, None), *self._coming]
        return {was.key: was.before for was in reversed(changes)}

    def folder_renamed(self, old: Folder, new: Folder) -> None:
        """What was in *old* was in what is called *new* now."""
        with self._lock:
            self._changes = deque(_renamed(was, old, new) for was in self._changes)


def _renamed(was: Was, old: Folder, new: Folder) -> Was:
    if was.before is None or was.before.folder != old:
        return was
    return was._replace(before=was.before._replace(folder=new))
