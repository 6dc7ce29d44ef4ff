"""The password of a reader that can be reached from elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pillarbox.reader.web.pages import off_loop

FREE_TRIES = 5
"""Mistakes that cost nothing."""
LONGEST_WAIT = 900.0
"""Seconds: who guesses gets four tries an hour, who has mistyped a lot comes in the same evening."""
MOST_ADDRESSES = 4096
"""That have mistyped lately."""
LONGEST_PASSWORD = 1024
"""Characters: hashing more is work for nobody's good."""


def hash_password(password: str) -> str:
    """What is kept of *password*: argon2id, with the library's parameters (RFC 9106, low memory)."""
    return PasswordHasher().hash(password)


class Password:
    """Checks it, and slows down who guesses."""

    def __init__(self, hashed: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._hashed = hashed
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._turn = asyncio.Lock()  # one hash at a time: each takes 64 MiB

    def wait(self, address: str) -> float:
        """Seconds for which *address* is not to be heard."""
        failures, last = self._failures.get(address, (0, 0.0))
        if failures < FREE_TRIES:
            return 0.0
        pause = min(LONGEST_WAIT, 2.0 ** min(failures - FREE_TRIES + 1, 32))
        return max(0.0, last + pause - self._clock())

    async def check(self, typed: str, address: str) -> bool:
        """Whether *typed*, which came from *address*, is right. While it has to wait, nothing is."""
        async with self._turn:
            if self.wait(address) or len(typed) > LONGEST_PASSWORD:
                return False
            right = await off_loop(self._is_right, typed)
        if right:
            self._failures.pop(address, None)
        else:
            self._note(address)
        return right

    def _is_right(self, typed: str) -> bool:
        try:
            return PasswordHasher().verify(self._hashed, typed)
        except (VerificationError, InvalidHashError):
            return False

    def _note(self, address: str) -> None:
        failures, _ = self._failures.get(address, (0, 0.0))
        self._failures[address] = (failures + 1, self._clock())
        self._failures.move_to_end(address)
        while len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)
