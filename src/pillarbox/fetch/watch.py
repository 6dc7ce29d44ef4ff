"""Staying: each account again and again, with its own pauses (``--watch``)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from pillarbox.fetch.account import Account
from pillarbox.fetch.backoff import Backoff
from pillarbox.fetch.limits import AT_ONCE, SHORTEST
from pillarbox.fetch.run import Outcome
from pillarbox.fetch.several import Ended, TellOf, run_one

Pausing = Callable[[Account, float | None], None]
"""An account waits so many seconds; None: for the user."""


async def watch(
    accounts: Sequence[Account],
    state: Path,
    interval: float,
    *,
    tell: TellOf,
    ended: Ended,
    pausing: Pausing,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> list[Outcome]:
    """Collect *accounts* until cancelled, or until all of them wait for the user.

    Returns the last outcome of each.
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def keep_on(account: Account) -> Outcome:
        backoff = Backoff(max(interval, SHORTEST))
        while True:
            async with places:
                outcome = await run_one(account, state, tell)
            ended(account, outcome)
            pause = backoff.pause(outcome)
            pausing(account, pause)
            if pause is None:
                return outcome
            await sleep(pause)

    return await asyncio.gather(*map(keep_on, accounts))
