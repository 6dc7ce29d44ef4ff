"""Who already has a message of which other recipients could not be served (SMTP only).

SMTP has one reply for all recipients of a message, so a store that took the message for some
and not for others leaves no true answer. The choices:

* 250 loses the message for those not served.
* A permanent refusal tells the sender a falsehood about those who were.
* One recipient a transaction (452 4.5.3 to the others) breaks RFC 5321, section 4.5.3.1.8 (at
  least 100 must be accepted) and delays every message that has two recipients.
* 4xx makes the sender try again, which is right, but stores a second copy for those served.

Pillarbox answers 4xx, and remembers who has got the message: when the same sender comes back
with the same content for the same recipients, it is not stored for them again. (For others, or
for some of them, it is a new message that happens to have the same words, as a script's alarms
have; one that is sent again as a part costs a second copy.) Only partial failures are remembered, so there is nothing to
pay for in ordinary times. The memory is this process's and bounded; if it is lost (restart,
another worker), the worst is a second copy, never a loss.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

LONGEST_MEMORY = 8 * 3600.0
"""Seconds since the last attempt: mail servers try again within six hours at the latest. A new
message in the same words should come later than that."""

MOST_MESSAGES = 10_000
"""Messages remembered, 100 bytes and its users' names each; the oldest go first."""


class PartialDeliveries:
    """Remembers the users who have got a message that is going to be sent again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._served: OrderedDict[bytes, tuple[float, frozenset[str]]] = OrderedDict()

    def served(self, sender: str, content: bytes, users: Iterable[str]) -> frozenset[str]:
        """Those of *users*, who are all its recipients, who have it from an earlier attempt."""
        self._forget_old()
        if not self._served:
            return frozenset()
        return self._served.get(_digest(sender, content, users), (0.0, frozenset()))[1]

    def remember(
        self, sender: str, content: bytes, users: Iterable[str], served: Iterable[str]
    ) -> None:
        """Of *users*, *served* have it; the others are still to be served."""
        digest = _digest(sender, content, users)
        self._served[digest] = (self._clock() + LONGEST_MEMORY, frozenset(served))
        self._served.move_to_end(digest)
        while len(self._served) > MOST_MESSAGES:
            self._served.popitem(last=False)

    def settle(self, sender: str, content: bytes, users: Iterable[str]) -> None:
        """Everybody has it now."""
        if self._served:
            self._served.pop(_digest(sender, content, users), None)

    def _forget_old(self) -> None:
        now = self._clock()
        while self._served and next(iter(self._served.values()))[0] < now:
            self._served.popitem(last=False)


def _digest(sender: str, content: bytes, users: Iterable[str]) -> bytes:
    envelope = "\0".join([sender, *sorted(users)]).encode(errors="surrogateescape")
    return hashlib.sha256(b"%d\0" % len(envelope) + envelope + content).digest()
