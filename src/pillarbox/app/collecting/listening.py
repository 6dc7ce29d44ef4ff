"""Who hears what happens: several may, each in its own way."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from pillarbox.fetch.account import Account
from pillarbox.fetch.events import Deleted, Event, Stored, Totals
from pillarbox.fetch.run import Outcome


class Listener:
    """Hears nothing. Called on the event loop, so it has to be quick."""

    def tell(self, account: Account, event: Event) -> None:
        """An event of the account's run."""

    def ended(self, account: Account, outcome: Outcome) -> None:
        """The account's run has ended."""

    def pausing(self, account: Account, seconds: float | None) -> None:
        """The next run comes in so many seconds; None: not before the user has done something."""

    def close(self) -> None:
        """No more will happen."""


class Listeners(Listener):
    """Some of them as one."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._all = listeners

    def tell(self, account: Account, event: Event) -> None:
        for each in self._all:
            each.tell(account, event)

    def ended(self, account: Account, outcome: Outcome) -> None:
        for each in self._all:
            each.ended(account, outcome)

    def pausing(self, account: Account, seconds: float | None) -> None:
        for each in self._all:
            each.pausing(account, seconds)

    def close(self) -> None:
        for each in self._all:
            each.close()


class Tally(Listener):
    """Counts what is done, also in a run that a signal ends."""

    def __init__(self) -> None:
        self._finished = Totals()
        self._running: dict[str, Totals] = {}

    @property
    def totals(self) -> Totals:
        """Of all runs, up to now."""
        return sum(self._running.values(), self._finished)

    def tell(self, account: Account, event: Event) -> None:
        before = self._running.get(account.name, Totals())
        if isinstance(event, Stored):
            self._running[account.name] = before + Totals(retrieved=event.messages)
        elif isinstance(event, Deleted):
            self._running[account.name] = before + Totals(deleted=event.messages)

    def ended(self, account: Account, outcome: Outcome) -> None:
        self._running.pop(account.name, None)
        self._finished += outcome.totals


class Tracebacks(Listener):
    """Shows where errors come from (``--debug``)."""

    def ended(self, _account: Account, outcome: Outcome) -> None:
        if outcome.error is not None:
            traceback.print_exception(outcome.error, file=sys.stderr)
