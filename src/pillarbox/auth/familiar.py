"""From where an account has signed in lately.

Learned from successes only, so nobody makes a network familiar but who has the password. Bounded
for each account, too: else one account holder with a large IPv6 network of their own could push
out what is known of all others.

Processes that share memory tell each other (:mod:`pillarbox.auth.times`): there, it also outlives a
worker that dies or is replaced.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from pillarbox.auth.times import Times

LATELY_SECONDS = 14 * 24 * 3600.0
"""After a fortnight's holiday the office is familiar still."""

FRESH_SECONDS = 600.0
"""What was learned so short a time ago is not learned again: most sign-ins are polls."""

MAX_USERS = 16_384
"""As many as there are proofs (:mod:`pillarbox.auth.cache`); whoever signed in longest ago is
forgotten first. Some 400 bytes each with one network, so 6 MB a process."""

MAX_NETWORKS = 16
"""Of one account: home, office, and a phone that goes from cell to cell."""


class FamiliarNetworks:
    """Accounts, and the networks (:func:`pillarbox.peers.network_of`) that they sign in from."""

    def __init__(
        self,
        *,
        users: int = MAX_USERS,
        networks: int = MAX_NETWORKS,
        shared: Times | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_users = users
        self._max_networks = networks
        self._shared = shared
        self._clock = clock
        self._users: OrderedDict[str, dict[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._users)

    def learn(self, user: str, network: str) -> None:
        """*user* has signed in from *network* just now."""
        now = self._clock()
        networks = self._users.get(user)
        if networks is None:
            networks = self._users[user] = {}
            if len(self._users) > self._max_users:
                self._users.popitem(last=False)
        elif now - networks.get(network, -FRESH_SECONDS) < FRESH_SECONDS:
            return
        self._users.move_to_end(user)
        networks.pop(network, None)  # so that the last is the latest
        networks[network] = now
        if self._shared is not None:
            self._shared.put(user, network, now)
        if len(networks) > self._max_networks:
            del networks[next(iter(networks))]

    def knows(self, user: str, network: str) -> bool:
        """Whether *user* has signed in from *network* lately."""
        seen = self._users.get(user, {}).get(network)
        if seen is None and self._shared is not None:
            seen = self._shared.get(user, network)
        return seen is not None and self._clock() - seen < LATELY_SECONDS
