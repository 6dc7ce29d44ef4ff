"""Slowing down those who guess at one account from many addresses.

:mod:`pillarbox.auth.throttle` tells the whole story. What counts against an account is not how
often somebody has failed there, but from how many networks: one that guesses alone is slowed as
an address, and must not be able to slow the account's owner.

The table is bounded; when it is full, the account that was tried longest ago is forgotten first.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog

from pillarbox.auth.address_throttle import LONGEST_DELAY_SECONDS as ADDRESS_DELAY_SECONDS
from pillarbox.auth.address_throttle import LOOKS
from pillarbox.auth.attempt import Attempt
from pillarbox.auth.ration import Ration
from pillarbox.contracts.meter import Meter, NullMeter

FREE_NETWORKS = 3
"""Networks that may have failed without any delay: an owner with a new password, and old devices
at home, at the office and on the road."""

FIRST_DELAY_SECONDS = 0.5
"""Behind one network more; each further one doubles it."""

LONGEST_DELAY_SECONDS = 10.0
"""Together with the longest wait of an address (45 seconds) less than the minute after which
clients give up."""

MAX_NETWORKS = 10
"""More are not counted: there, the delay is at its longest."""

COUNTS_SECONDS = 600.0
"""A network counts for ten minutes after it last failed, like the failures of an address."""

PLACES = 10
"""Attempts at one account at once from networks that are not familiar. At the longest delay a
guess a second in all, however many addresses there are."""

SUSPECT_PLACES = PLACES // 2
"""Of these, for addresses that have failed lately: the others' half they cannot fill."""

MAX_ACCOUNTS = 10_000
"""Entries of the table, some 600 bytes each, and 1,500 when besieged. Names that do not exist count like those that do."""

_log = structlog.get_logger("pillarbox.auth")


class _Account:
    """What is known of one name."""

    __slots__ = ("looks", "networks", "present", "reported")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.networks: dict[str, float] = {}
        """Those that have failed, with the time of the last failure."""
        self.present = 0
        """Attempts that have a place, or are on their way out."""
        self.looks = Ration(LOOKS, LOOKS / ADDRESS_DELAY_SECONDS, clock)
        self.reported = False
        """The log has said that it is besieged."""


class AccountThrottle:
    """The delays of all accounts. For one event loop."""

    def __init__(
        self,
        *,
        accounts: int = MAX_ACCOUNTS,
        meter: Meter | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._max = accounts
        self._meter = meter or NullMeter()
        self._clock = clock
        self._sleep = sleep
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def __len__(self) -> int:
        return len(self._accounts)

    def is_besieged(self, user: str) -> bool:
        """Whether so many networks have failed at *user* lately that others wait."""
        account = self._accounts.get(user)
        return account is not None and len(self._failed(account)) > FREE_NETWORKS

    def delay(self, user: str, network: str) -> float:
        """The seconds that an attempt at *user* from *network*, not a familiar one, would wait."""
        account = self._accounts.get(user)
        return 0.0 if account is None else self._delay(account, network)

    def may_look(self, user: str) -> bool:
        """Take a look from the ration that all suspect addresses have together at *user*."""
        account = self._accounts.get(user)
        return account is None or account.looks.take()

    def found(self, user: str) -> None:
        """The look was no guess: it does not count."""
        if account := self._accounts.get(user):
            account.looks.give_back()

    @asynccontextmanager
    async def stage(
        self, user: str, network: str, attempt: Attempt, *, calm: bool
    ) -> AsyncIterator[None]:
        """Wait for *user*'s delay; *attempt* is crowded out when there is no place for it.

        It counts from now on, so that a thousand that come at once do not all come free.

        Args:
            user: the account's name, normalised; it need not exist.
            network: where the attempt comes from; not one that is familiar.
            attempt: what the failure is read from at the end.
            calm: nothing is held against the address itself.
        """
        account = self._accounts.get(user) or self._admit(user)
        self._accounts.move_to_end(user)
        try:
            if account.present < (PLACES if calm else SUSPECT_PLACES):
                account.present += 1
                try:
                    delay = self._delay(account, network)
                    with self._counted(account, user, network, attempt):
                        await self._wait(delay)
                        yield
                finally:
                    account.present -= 1
            else:
                await self._wait(self._delay(account, network))
                attempt.crowded_out = True
                attempt.forgive()
                yield
        finally:
            self._tidy(user, account)

    async def _wait(self, delay: float) -> None:
        if delay:
            self._meter.sign_in_delayed("account")
            await self._sleep(delay)

    @contextmanager
    def _counted(
        self, account: _Account, user: str, network: str, attempt: Attempt
    ) -> Iterator[None]:
        """Count *network* now; take it back at the end when the attempt was no guess."""
        before = account.networks.pop(network, None)
        now = account.networks[network] = self._clock()
        self._report(account, user)
        try:
            yield
        finally:
            guessed = attempt.failed and not attempt.repeated
            if not guessed and account.networks.get(network) == now:
                del account.networks[network]
                if before is not None:
                    account.networks[network] = before

    def _report(self, account: _Account, user: str) -> None:
        networks = len(self._failed(account))
        if networks <= FREE_NETWORKS:
            account.reported = False
        elif not account.reported:
            account.reported = True
            _log.warning("sign-ins slowed for an account", name=user, networks=networks)

    def _failed(self, account: _Account) -> dict[str, float]:
        """The networks that count, after forgetting those that are old or too many."""
        networks = account.networks
        since = self._clock() - COUNTS_SECONDS
        for network in [known for known, at in networks.items() if at <= since]:
            del networks[network]
        while len(networks) > MAX_NETWORKS:
            del networks[next(iter(networks))]
        return networks

    def _delay(self, account: _Account, network: str) -> float:
        networks = self._failed(account)
        others = len(networks) - (network in networks)
        if others <= FREE_NETWORKS:
            return 0.0
        return min(FIRST_DELAY_SECONDS * 2.0 ** (others - FREE_NETWORKS - 1), LONGEST_DELAY_SECONDS)

    def _admit(self, user: str) -> _Account:
        """A new entry; makes room by forgetting who was tried longest ago and is not just now."""
        while len(self._accounts) >= self._max:
            idle = next((name for name, one in self._accounts.items() if not one.present), None)
            if idle is None:  # bounded by the connections that there are
                break
            del self._accounts[idle]
        account = self._accounts[user] = _Account(self._clock)
        return account

    def _tidy(self, user: str, account: _Account) -> None:
        if not account.present and not self._failed(account):
            self._accounts.pop(user, None)
