"""A ration of something for each address."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from pillarbox.auth.ration import Ration

MAX_RATIONS = 10_000
"""Addresses that have taken of it, some 300 bytes each; the first to be forgotten is who has not done so
for the longest time."""


class Rations:
    """What each address may still take.

    Args:
        most: what one has saved up at most.
        regained: how many come back to it each second.
        clock: seconds that only ever grow.
    """

    def __init__(
        self, most: int, regained: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._regained = regained
        self._clock = clock
        self._rations: OrderedDict[str, Ration] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rations)

    def take(self, key: str) -> bool:
        """Take one of the ration of *key*; False: there is none left."""
        ration = self._rations.pop(key, None)
        if ration is None:
            ration = Ration(self._most, self._regained, self._clock)
        self._rations[key] = ration
        while len(self._rations) > MAX_RATIONS:
            self._rations.popitem(last=False)
        return ration.take()

    def give_back(self, key: str) -> None:
        """The last one was not used after all."""
        if ration := self._rations.get(key):
            ration.give_back()
