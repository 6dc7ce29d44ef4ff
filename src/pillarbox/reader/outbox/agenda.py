"""What there is to do in the outbox, and when the next thing will be."""

from __future__ import annotations

from collections.abc import Container, Mapping

from pillarbox.reader.outbox.noting import Noting
from pillarbox.reader.outbox.record import Record
from pillarbox.reader.outbox.shelf import Shelf
from pillarbox.reader.outbox.standings import Standing, due_at

FILING = "\0filing"
"""Stands among the accounts for what has left and is to be noted."""


class Agenda:
    """Of accounts, and of :data:`FILING`. Times are POSIX ones."""

    def __init__(self, shelf: Shelf, noting: Noting, standings: Mapping[str, Standing]) -> None:
        """*standings*: of those that cannot be sent from; looked at each time."""
        self._shelf = shelf
        self._noting = noting
        self._standings = standings
        self._pardoned: dict[str, float] = {}

    def pardon(self, record: Record) -> None:
        """It need not wait for its next try, as it is now. (Forgotten at a restart, which is no harm.)"""
        if record.next_try:
            self._pardoned[record.id] = record.next_try

    def due(self, now: float, busy: Container[str]) -> list[str]:
        """Who has something to do, and is not *busy*."""
        for gone in [each for each in self._pardoned if self._shelf.find(each) is None]:
            del self._pardoned[gone]
        names = {record.account for record in self._shelf.all() if self._is_ready(record, now)}
        may = {name for name in names if self._may(name, now)}
        if self._noting.has_new() or (self._noting.due() and self._may(FILING, now)):
            may.add(FILING)
        return sorted(name for name in may if name not in busy)

    def ready(self, account: str, now: float) -> Record | None:
        """The message of *account* that is to leave first."""
        ready = (r for r in self._shelf.all() if r.account == account and self._is_ready(r, now))
        return next(ready, None)

    def next_moment(self, now: float, busy: Container[str]) -> float | None:
        """When somebody who is not *busy* will have something to do; None: not by itself."""
        moments = []
        for record in self._shelf.all():
            until = self._until(record.account, now)
            idle = record.account not in busy
            if idle and until is not None and self._may_leave(record):
                moments.append(max(self._moment(record, now), until))
        until = 0.0 if self._noting.has_new() else self._until(FILING, now)
        if FILING not in busy and until is not None and self._noting.due():
            moments.append(until)
        return min(moments, default=None)

    def _may(self, name: str, now: float) -> bool:
        until = self._until(name, now)
        return until is not None and until <= now

    def _until(self, name: str, now: float) -> float | None:
        standing = self._standings.get(name)
        if standing is None or standing.next_try is None:
            return 0.0 if standing is None else None
        return due_at(standing.next_try, now)

    def _is_ready(self, record: Record, now: float) -> bool:
        return self._may_leave(record) and self._moment(record, now) <= now

    def _moment(self, record: Record, now: float) -> float:
        return record.moment(now, pardoned=self._pardoned.get(record.id) == record.next_try)

    def _may_leave(self, record: Record) -> bool:
        return (
            bool(record.waiting) and not record.in_hand and not self._noting.is_unwritten(record.id)
        )
