"""Telling who repeats themselves from who guesses.

A phone with the old password says it each time it looks for mail, for months. That is no guess:
nothing is learned by being refused the same thing twice. So it counts once, and the phone slows
down neither itself nor its neighbours.

It is checked in full each time, though. Remembering the refusal would spare a hash, but could
refuse what has become right meanwhile, and would answer sooner: whoever shares an address with
that phone could try old passwords of its owner by the clock. (What is left to them: a guess that
did not make the next delay longer has been tried here before. Each such question is a guess at
full price.)

Repeats cost a hash each, so an address has a ration of them; beyond it they count like guesses. What is
remembered is a keyed digest, whose key never leaves the process, for a day since it was last said.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from pillarbox.auth.cache import framed
from pillarbox.auth.ration import Ration

REMEMBERED_SECONDS = 24 * 3600.0
"""Since it was last said: a client that looks for mail once a day is remembered."""

MAX_REMEMBERED = 16_384
"""Refused claims, some 150 bytes each; what was said longest ago is forgotten first."""

REPEATS = 30
"""Repeats that an address has saved up at most: a client tries all mechanisms that it knows,
and then again."""

REGAINED_PER_SECOND = 0.5
"""Thirty phones that poll every minute; half a hash a second, one hundredth of a core."""

MAX_RATIONS = 10_000
"""Addresses that have repeated themselves, some 300 bytes each; the first to be forgotten is who
has not done so for the longest time."""


class Repeats:
    """What has been refused lately."""

    def __init__(
        self,
        *,
        remembered: int = MAX_REMEMBERED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max = remembered
        self._clock = clock
        self._keyed = hashlib.blake2b(key=secrets.token_bytes(32), digest_size=16)
        self._said_at: OrderedDict[bytes, float] = OrderedDict()
        self._rations: OrderedDict[str, Ration] = OrderedDict()

    def __len__(self) -> int:
        return len(self._said_at)

    def again(self, scope: str, user: str, secret: bytes) -> bool:
        """Note that *secret* was refused to *user*; whether it was before, lately, in *scope*."""
        digest = self._keyed.copy()
        digest.update(framed(scope.encode("utf-8", "replace"), user.encode(), secret))
        key = digest.digest()
        now = self._clock()
        said_at = self._said_at.pop(key, None)
        self._said_at[key] = now
        while len(self._said_at) > self._max:
            self._said_at.popitem(last=False)
        return said_at is not None and now - said_at < REMEMBERED_SECONDS

    def may_repeat(self, key: str) -> bool:
        """Whether the address *key* has a repeat left; takes it."""
        ration = self._rations.pop(key, None)
        if ration is None:
            ration = Ration(REPEATS, REGAINED_PER_SECOND, self._clock)
        self._rations[key] = ration
        while len(self._rations) > MAX_RATIONS:
            self._rations.popitem(last=False)
        return ration.take()
