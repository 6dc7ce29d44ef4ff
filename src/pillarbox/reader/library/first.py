"""The first reading of all mail, while pages are looked at already."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pillarbox.reader.contracts import Report
from pillarbox.reader.model import Progress

OFTEN = 1.0
"""Seconds between two news of it: an open page asks for its list anew each time."""


class FirstReading:
    """How far it is. Told from the thread that reads, asked from any."""

    def __init__(
        self, tell: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """*tell* is called when there is something to say, but not more often than :data:`OFTEN`."""
        self._tell = tell
        self._clock = clock
        self._told = 0.0
        self.progress: Progress | None = None
        """None: it is not going on."""

    @contextmanager
    def going_on(self, report: Report) -> Iterator[Report]:
        """*report*, noted here, until the block is left however."""

        def noted(progress: Progress) -> None:
            self._note(progress)
            report(progress)

        self._told = self._clock() - OFTEN
        self._note(Progress(0, 0))
        try:
            yield noted
        finally:
            self.progress = None
            self._tell()

    def _note(self, progress: Progress) -> None:
        self.progress = progress
        now = self._clock()
        if now - self._told >= OFTEN:
            self._told = now
            self._tell()
