"""The limit on open files (RLIMIT_NOFILE), since each connection is one.

The limit that shells and systemd give by default, 1,024, is meant for programs that use
``select``; who can do with more is expected to lift it to the hard limit. The supervisor
does so before it forks, and says so when the hard limit itself is too low.
"""

from __future__ import annotations

import contextlib
import resource

import structlog

from pillarbox.app.config.settings import Config

RESERVE = 1024
"""Files of a worker that are no POP3 connection: SMTP and LMTP (500), the bodies that they
and slow clients read and write, the store, and what an uneven spread adds to its share."""

_log = structlog.get_logger("pillarbox.supervisor")


def wanted(config: Config) -> int:
    """How many files each process must be able to open."""
    share = -(-config.limits.connections // config.server.workers)
    return share + RESERVE


def lift(config: Config) -> int | None:
    """Lift the soft limit as far as this user may; returns it, None: there is none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    # Where nothing is said to be the limit, the system may still not take that at its word.
    goal = max(soft, wanted(config)) if hard == resource.RLIM_INFINITY else hard
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (goal, hard))
        return goal
    return soft


def warn_if_few(config: Config) -> None:
    """Lift the limit, and report it when ``limits.connections`` cannot be reached with it."""
    limit = lift(config)
    if limit is not None and limit < wanted(config):
        _log.warning(
            "limits.connections cannot be reached: too few open files are allowed",
            connections=config.limits.connections,
            workers=config.server.workers,
            open_files_allowed=limit,
            open_files_wanted=wanted(config),
            remedy="raise the hard limit (LimitNOFILE= of systemd, ulimit -Hn) or lower "
            "limits.connections",
        )
