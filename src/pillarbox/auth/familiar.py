"""From where an account has signed in lately.

Learned from successes only, so nobody makes a network familiar but who has the password. Bounded
for each account, too: else one account holder with a large IPv6 network of their own could push
out what is known of all others.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

LATELY_SECONDS = 14 * 24 * 3600.0
"""After a fortnight's holiday the office is familiar still."""

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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_users = users
        self._max_networks = networks
        self._clock = clock
        self._users: OrderedDict[str, dict[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._users)

    def learn(self, user: str, network: str) -> None:
        """*user* has signed in from *network* just now."""
        networks = self._users.get(user)
        if networks is None:
            networks = self._users[user] = {}
            if len(self._users) > self._max_users:
                self._users.popitem(last=False)
        else:
            self._users.move_to_end(user)
            networks.pop(network, None)  # so that the last is the latest
        networks[network] = self._clock()
        if len(networks) > self._max_networks:
            del networks[next(iter(networks))]

    def knows(self, user: str, network: str) -> bool:
        """Whether *user* has signed in from *network* lately."""
        seen = self._users.get(user, {}).get(network)
        return seen is not None and self._clock() - seen < LATELY_SECONDS
