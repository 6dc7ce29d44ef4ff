"""Who may come in, and how much they may hold in memory between them."""

from __future__ import annotations

from collections import Counter

from pillarbox.delivery.policy import DeliveryPolicy
from pillarbox.delivery.replies import TOO_MANY_CONNECTIONS, TOO_MANY_FROM_ADDRESS, Reply


class Admission:
    """Counts the connections of one door, all together and by address."""

    def __init__(self, policy: DeliveryPolicy) -> None:
        self._most = policy.connections
        self._most_from_one = policy.connections_per_address
        self._addresses: Counter[str] = Counter()
        self._present = 0

    def enter(self, address: str | None) -> Reply | None:
        """Let a connection in (None), or say why not.

        *address* is what counts as one (see :func:`pillarbox.peers.network_of`), None for a
        peer whose connections are not limited by address. Each
        entry is matched by one :meth:`leave`; a refusal is not.
        """
        if self._present >= self._most:
            return TOO_MANY_CONNECTIONS
        if address is not None:
            if self._addresses[address] >= self._most_from_one:
                return TOO_MANY_FROM_ADDRESS
            self._addresses[address] += 1
        self._present += 1
        return None

    def leave(self, address: str | None) -> None:
        """A connection that had entered is over."""
        self._present -= 1
        if address is not None:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]


class Room:
    """Octets of messages that are on their way in, over all connections."""

    def __init__(self, octets: int) -> None:
        self.free = octets

    def take(self, octets: int) -> bool:
        """Reserve; False (and nothing reserved) when there is no room."""
        if octets > self.free:
            return False
        self.free -= octets
        return True

    def give(self, octets: int) -> None:
        """Return what was taken."""
        self.free += octets
