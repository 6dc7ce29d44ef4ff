"""How long to wait until the next run of an account (``--watch``).

One table: what ended the last run, and how long to wait the first time and at most. Each further
failure doubles the pause. The first pauses may be shorter than those between runs that went well:
what passes soon should not keep mail away for longer. Nobody comes at the exact second: a thousand clients that lost one
server at the same moment must not all come back to it at the same moment.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from pillarbox.client.errors import (
    InUse,
    InvalidSetting,
    LoginDelayed,
    Refused,
    SignInRefused,
    Unreachable,
)
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.errors import InvalidDestination, JournalBusy, NotConfirmed
from pillarbox.fetch.oauth.errors import InvalidOAuthSettings, ProviderRefused, SignInNeeded
from pillarbox.fetch.run import Outcome
from pillarbox.wire.replies import Code

MINUTE = 60.0
HOUR = 3600.0

JITTER = 0.1
"""A pause is up to a tenth shorter or longer."""


class _Row(NamedTuple):
    error: type[PillarboxError]
    first: float
    """Seconds."""
    longest: float


# fmt: off
_TABLE = (
    # The first row that fits.
    _Row(InUse,          30.0,        5 * MINUTE),    # another program will soon be done
    _Row(JournalBusy,    30.0,        5 * MINUTE),    # likewise
    _Row(LoginDelayed,   5 * MINUTE,  30 * MINUTE),   # Gmail wants 300 seconds
    _Row(Refused,        MINUTE,      HOUR),          # [SYS/TEMP], [SYS/PERM] and the like
    _Row(SignInRefused,  15 * MINUTE, 4 * HOUR),      # without [AUTH] it may be the server's fault
    _Row(Unreachable,    30.0,        15 * MINUTE),   # a laptop that was just opened
    _Row(PillarboxError, MINUTE,      HOUR),          # TLS, a full disk
)
# fmt: on

_FOR_THE_USER = (
    InvalidSetting,
    InvalidDestination,
    InvalidOAuthSettings,
    SignInNeeded,
    ProviderRefused,
)


class Backoff:
    """The pauses of one account."""

    def __init__(
        self, interval: float, rand: Callable[[float, float], float] = random.uniform
    ) -> None:
        """*interval*: seconds between two runs when all is well."""
        self._interval = interval
        self._rand = rand
        self._failures = 0

    def pause(self, outcome: Outcome) -> float | None:
        """Seconds until the next run; None: there is no use in another one, the user has to do
        something first.
        """
        error = outcome.error
        if error is None or isinstance(error, NotConfirmed):
            self._failures = 0
            return self._about(self._interval)
        if _asks_the_user(error):
            return None
        self._failures += 1
        row = next(row for row in _TABLE if isinstance(error, row.error))
        doubled = row.first * 2 ** min(self._failures - 1, 30)
        return self._about(min(doubled, max(row.longest, self._interval)))

    def _about(self, seconds: float) -> float:
        return seconds * self._rand(1 - JITTER, 1 + JITTER)


def _asks_the_user(error: PillarboxError) -> bool:
    if isinstance(error, SignInRefused):
        return error.code is Code.AUTH
    return isinstance(error, _FOR_THE_USER)
