"""The limit on open files, since each message that waits for its batch is one.

The soft limit that shells and systemd give (1,024; macOS: 256) is meant for programs that use
``select``; who can do with more is expected to lift it.
"""

from __future__ import annotations

import contextlib
import resource

from pillarbox.fetch.limits import AT_ONCE

WANTED = 8192
"""Files: a few accounts at once, each with a batch that is being stored and one that is coming."""
OTHERS = 64
"""Files that are no messages: connections, journals, folders while they are synced."""


def lift() -> None:
    """Lift the soft limit to :data:`WANTED`, or as far as this user may. It is never lowered."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= WANTED:
        return
    goal = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    # macOS names a hard limit of infinity, and means its own: then all stays as it was.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (goal, hard))


def at_most(messages: int) -> int:
    """So many *messages* of each account may wait in one batch, or fewer, where the limit cannot be
    lifted: while one batch is being stored the next one comes.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return messages
    return max(1, min(messages, (soft - OTHERS) // (2 * AT_ONCE)))
