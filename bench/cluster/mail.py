"""Who has what, and how it gets there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from bench.cluster.letters import letter
from pillarbox.contracts.store import Store
from pillarbox.model import Recipient, StoredForm
from pillarbox.wire.canonical import stored_form

SEATS = 16
"""Clients at once: enough for three nodes and a database to be busy while some of it waits for the disk."""
SMALL, LARGE, HUGE, TINY = 5_000, 100_000, 5_000_000, 1_000
_TOGETHER = 64
"""Deliveries under way at once."""


@dataclass(frozen=True)
class Lot:
    """Some users, each of whom has the same."""

    users: tuple[str, ...]
    count: int = 0
    octets: int = 0

    def of(self, seat: int, seats: int = SEATS) -> tuple[str, ...]:
        """Those whom one of so many clients has for itself."""
        return self.users[seat::seats]


def _named(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}{number}" for number in range(count))


POLLED = Lot(_named("polled", 2 * SEATS), 50, SMALL)
EMPTY = Lot(_named("empty", 4 * SEATS))
SOME_LARGE = Lot(_named("large", SEATS), 5, LARGE)
SOME_HUGE = Lot(_named("huge", SEATS // 4), 2, HUGE)
RECEIVERS = Lot(_named("in", 4 * SEATS))
PASSING = Lot(_named("passing", 4 * SEATS))
"""Who takes each message away at once."""
BIG = "hundred-thousand"


def lots(share: float) -> list[Lot]:
    """Everybody; of the large number, a *share*."""
    big = Lot((BIG,), int(100_000 * share), TINY)
    return [POLLED, EMPTY, SOME_LARGE, SOME_HUGE, RECEIVERS, PASSING, big]


def users(all_of: Iterable[Lot]) -> list[str]:
    return [user for lot in all_of for user in lot.users]


async def fill(store: Store, all_of: Iterable[Lot]) -> None:
    """Put the mail of all lots in.

    Raises:
        RuntimeError: some of it was not taken.
    """
    turns = asyncio.Semaphore(_TOGETHER)

    async def deliver(form: StoredForm, user: str) -> None:
        async with turns:
            (outcome,) = await store.deliver(form, [Recipient(user)])
        if outcome is not None:
            raise RuntimeError(f"could not fill the maildrop of {user}: {outcome}")

    for lot in all_of:
        form = stored_form(letter(lot.octets)) if lot.count else None
        for first in range(0, lot.count, _TOGETHER):
            assert form is not None
            times = min(_TOGETHER, lot.count - first)
            await asyncio.gather(*(deliver(form, user) for user in lot.users * times))
