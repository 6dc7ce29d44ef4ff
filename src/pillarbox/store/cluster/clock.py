"""The database's clock, as far as a node can know it: until when a statement may take effect.

A connection that is lost may have carried a statement that the database has not seen yet: what a
kernel or a proxy still holds arrives when the network is back, and is carried out, though nobody waits for
it any more. So a statement that takes, deletes or delivers says until when it may: it looks at the database's clock
itself, and does nothing when it comes too late. Who then knows that this time has passed may
rely on what he finds.

The time is given by the database's clock, which a node knows from the last answer that brought it:
since then as much has passed there as here. A node's own idea of the time plays no part. If the
database's clock is set, statements come too late, which their answers say, with the new time.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from pillarbox.database.database import STATEMENT_SECONDS
from pillarbox.store.cluster.tables import Tables

_MARGIN_SECONDS = 0.5
"""For clocks that do not go equally fast."""


class DatabaseClock:
    """What this process knows of it."""

    __slots__ = ("_at", "_noted", "_tables")

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._at: datetime | None = None
        self._noted = 0.0

    def note(self, at: datetime) -> None:
        """An answer has come that was *at* this time made."""
        self._at, self._noted = at, time.monotonic()

    async def deadline(self) -> datetime:
        """Until when a statement that is sent now may take effect.

        Raises:
            StoreUnavailable: the time is not known yet, and cannot be asked.
        """
        if self._at is None:
            ((at,),) = await self._tables.ask("SELECT clock_timestamp()")
            self.note(at)
        assert self._at is not None  # noqa: S101 -- just noted
        ahead = time.monotonic() - self._noted + STATEMENT_SECONDS
        return self._at + timedelta(seconds=ahead)


class Patience:
    """How long it is uncertain what becomes of a statement that is sent now."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = time.monotonic() + STATEMENT_SECONDS + _MARGIN_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether it has happened by now, or never will."""
        return time.monotonic() > self._until
