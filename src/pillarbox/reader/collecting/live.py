"""What pages are told of an account: each change of state at once, progress a few times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from pillarbox.fetch.events import Event, Planned, Retrieved
from pillarbox.reader.model import Status

MOMENT = 0.25
"""Seconds between two pieces of news of one account while it runs: a bar that moves four times a second moves;
a thousand messages a second would only keep pages busy."""


class Live:
    """The status of one account. On the event loop."""

    def __init__(self, status: Status, tell: Callable[[Status], None]) -> None:
        self.status = status
        self._tell = tell
        self._later: asyncio.TimerHandle | None = None

    def set(self, status: Status) -> None:
        """Something that is told at once."""
        self.status = status
        self.quiet()
        self._tell(status)

    def heard(self, event: Event) -> None:
        """An event of a run."""
        status = self.status
        match event:
            case Planned(plan):
                coming = len(plan.retrieve) + len(plan.verify)
                self._soon(replace(status, expected=status.arrived + coming))
            case Retrieved():
                arrived = status.arrived + 1
                self._soon(replace(status, arrived=arrived, expected=max(arrived, status.expected)))

    def quiet(self) -> None:
        """Tell nothing more of what was heard."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _soon(self, status: Status) -> None:
        self.status = status
        if self._later is None:
            self._tell(status)
            self._later = asyncio.get_running_loop().call_later(MOMENT, self._then, status)

    def _then(self, told: Status) -> None:
        self._later = None
        if self.status != told:
            self._soon(self.status)
