"""Noting that a view has been opened, at a sign-in, without its waiting for that.

A view that holds mail back anyway loses nothing if it is noted late, or not this time: the note
only puts off the day on which it counts as absent. So a disk that is full and a writer lock that
somebody holds keep nobody from collecting, and a poll each minute costs four writes a day. (Where
the note decides whether mail is held back at all, the sign-in waits: see ``engine``.)
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.contracts.store import SEEN_PRECISION
from pillarbox.store.embedded.view_jobs import NoteSeen
from pillarbox.store.embedded.writer import Writer

REST_SECONDS = 60.0
"""After a note that failed, the next ones are left out for so long: a disk that is full has
better things to do than to refuse a note for each poll."""


def is_due(seen_at: float | None, now: float) -> bool:
    """Whether a view that was noted to be seen at *seen_at* is to be noted again."""
    return seen_at is None or not 0 <= now - seen_at < SEEN_PRECISION


class SeenNotes:
    """The notes of one shard in this process that are under way. One event loop's."""

    __slots__ = ("_pending", "_resting_until", "_writer")

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._pending: set[int] = set()
        self._resting_until = 0.0

    def note(self, view: int, now: float) -> None:
        """Have it noted that *view* has been opened *now*, if it can be. Never fails."""
        if view in self._pending or time.monotonic() < self._resting_until:
            return
        try:
            noted = self._writer.submit(NoteSeen(view, now))
        except StoreUnavailable:  # closed meanwhile
            return
        self._pending.add(view)
        noted.add_done_callback(partial(self._settled, view))

    def are_pending_for(self, view: int) -> bool:
        """Whether a note of *view* is under way."""
        return view in self._pending

    def _settled(self, view: int, noted: asyncio.Future[Exception | None]) -> None:
        self._pending.discard(view)
        if not noted.cancelled() and noted.result() is not None:
            self._resting_until = time.monotonic() + REST_SECONDS
