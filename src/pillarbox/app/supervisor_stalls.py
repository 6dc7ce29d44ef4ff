"""Children that live but do nothing: reported, and in the end killed, so that they are replaced.

A worker's event loop can stand still for good (a disk that never answers, a stopped
process). What it holds helps nobody: its clients wait, and its session locks keep users out
of their mail. Killing it frees all of that, and loses nothing that was acknowledged.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable

import structlog

from pillarbox.app.shared import State
from pillarbox.app.supervisor_children import Child, Post

_log = structlog.get_logger("pillarbox.supervisor")

STALL_SECONDS = 15.0
"""A child whose event loop has stood still for so long is reported,"""
HOPELESS_SECONDS = 60.0
"""and for so long, killed."""
# Between two looks, at most; after a longer pause this process itself has been asleep
# (stopped, or the whole machine), and so may its children have been.
_AWAKE_SECONDS = 2 * STALL_SECONDS


class StallWatch:
    """Looks for children that do not respond."""

    def __init__(self) -> None:
        self._stalled: set[int] = set()
        self._awake_since = self._looked_at = time.monotonic()

    def look(self, everybody: Iterable[tuple[Post, Child]]) -> None:
        """Report and kill; to be called every few seconds."""
        now = time.monotonic()
        if now - self._looked_at > _AWAKE_SECONDS:
            self._awake_since = now
        self._looked_at = now
        for post, child in everybody:
            self._judge(post, child, min(child.column.silence(), now - self._awake_since))

    def forget(self, child: Child) -> None:
        """*child* has ended."""
        self._stalled.discard(child.pid)

    def _judge(self, post: Post, child: Child, silence: float) -> None:
        # Who starts may have a large store to look over, and does not beat yet.
        if child.column.state is not State.STARTING and silence > STALL_SECONDS:
            if child.pid not in self._stalled:
                self._stalled.add(child.pid)
                _log.error("does not respond", role=post.role, pid=child.pid, seconds=silence)
            if silence > HOPELESS_SECONDS:
                _log.error(
                    "killed: it did not respond", role=post.role, pid=child.pid, seconds=silence
                )
                child.send(signal.SIGKILL)
        elif child.pid in self._stalled:
            self._stalled.discard(child.pid)
            _log.info("responds again", role=post.role, pid=child.pid)
