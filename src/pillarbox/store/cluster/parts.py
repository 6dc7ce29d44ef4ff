"""What a store and its sessions share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.model import Identity
from pillarbox.store.cluster.chores import Chores
from pillarbox.store.cluster.clock import DatabaseClock, Patience
from pillarbox.store.cluster.leases import Life
from pillarbox.store.cluster.opening import Opening
from pillarbox.store.cluster.tables import Tables
from pillarbox.store.cluster.views import Holding

PAUSE_SECONDS = 0.25
"""Between two tries to give a view back."""

_log = structlog.get_logger("pillarbox.store")


@dataclass(slots=True)
class Parts:
    """Of one store; an event loop's."""

    tables: Tables
    clock: DatabaseClock
    life: Life
    holding: Holding
    node: str
    chores: Chores = field(default_factory=Chores)
    is_closed: bool = False

    def must_be_open(self) -> None:
        """Raises StoreUnavailable after the end."""
        if self.is_closed:
            raise StoreUnavailable("the store has been closed", temporary=True)

    def tell(self, event: str, identity: Identity, token: int) -> None:
        """Log that a lease has come or gone: from these lines it can be seen who had what when."""
        user, view = identity
        _log.debug(event, user=user, view=view, token=token, node=self.node)

    async def give_back(self, opening: Opening, patience: Patience) -> None:
        """Free a view that was perhaps taken, or not given back, until that is certain."""
        while True:
            last = patience.is_over
            try:
                token = await opening.give_back()
            except StoreUnavailable:
                last = False
            else:
                if token is not None:
                    self.tell("view released", opening.identity, token)
                    return
            if last:
                return
            await asyncio.sleep(PAUSE_SECONDS)
