"""Browsers that have been let in.

They are known as long as this reader runs, and no longer. A cookie goes to every port of its host: while no reader runs,
another program of this machine could listen at its port and be shown the cookie, so it must be worth nothing then. (What one at
another port is shown meanwhile is of no use to other users: :class:`.whose.Connections`. Pages
that stay open over a restart work on as soon as the browser has come in again: what they send with changes,
:attr:`.door.Door.csrf`, stays the same.)
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

IDLE = 14 * 24 * 3600.0
"""Seconds after which a browser that has not come back is forgotten."""
MOST = 64
"""Browsers of one person, and of scripts that throw their cookies away."""

_OCTETS = 32  # nobody guesses 256 bits


class Sessions:
    """Their names are what cookies hold."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()

    def open(self) -> str:
        """A new one; the one that was not seen for longest may go for it."""
        name = secrets.token_urlsafe(_OCTETS)
        self._seen[name] = self._clock()
        while len(self._seen) > MOST:
            self._seen.popitem(last=False)
        return name

    def is_open(self, name: str) -> bool:
        """Whether there is one of that name. Looking it up takes the same time for all that are none: they are random."""
        seen = self._seen.get(name)
        if seen is None:
            return False
        if self._clock() - seen > IDLE:
            del self._seen[name]
            return False
        self._seen[name] = self._clock()
        self._seen.move_to_end(name)
        return True

    def close(self, name: str) -> None:
        self._seen.pop(name, None)
