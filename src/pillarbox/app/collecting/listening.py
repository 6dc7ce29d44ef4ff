"""Who hears what happens: several may, each in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pillarbox.fetch.account import Account
from pillarbox.fetch.events import Event
from pillarbox.fetch.run import Outcome


class Listener(Protocol):
    """Called on the event loop, so it has to be quick."""

    def tell(self, account: Account, event: Event) -> None:
        """An event of the account's run."""

    def ended(self, account: Account, outcome: Outcome) -> None:
        """The account's run has ended."""

    def pausing(self, account: Account, seconds: float | None) -> None:
        """The next run comes in so many seconds; None: not before the user has done something."""

    def close(self) -> None:
        """No more will happen."""


class Listeners:
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
