"""Several accounts side by side; what happens to one is nothing to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from pillarbox.fetch.account import Account
from pillarbox.fetch.errors import Defect
from pillarbox.fetch.events import Event, Totals
from pillarbox.fetch.limits import AT_ONCE
from pillarbox.fetch.run import Outcome, run

TellOf = Callable[[Account, Event], None]
"""An event of one account's run."""
Ended = Callable[[Account, Outcome], None]
"""A run has ended."""


async def run_one(account: Account, state: Path, tell: TellOf) -> Outcome:
    """Collect one account. A defect in Pillarbox is an outcome, too: it must not take the other
    accounts with it.
    """
    try:
        return await run(account, state, tell=lambda event: tell(account, event))
    except Exception as error:  # noqa: BLE001 -- see above
        return Outcome(Totals(), Defect(error))


async def run_all(
    accounts: Sequence[Account], state: Path, *, tell: TellOf, ended: Ended
) -> list[Outcome]:
    """Collect *accounts*, each once; the outcomes in their order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def in_turn(account: Account) -> Outcome:
        async with places:
            outcome = await run_one(account, state, tell)
        ended(account, outcome)
        return outcome

    return await asyncio.gather(*map(in_turn, accounts))
