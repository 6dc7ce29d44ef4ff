"""What a store and its sessions share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.contracts.store import BodyStream
from pillarbox.model import Identity
from pillarbox.store.ahead import STALE_SECONDS, ReadAhead
from pillarbox.store.cluster.chores import Chores
from pillarbox.store.cluster.clock import DatabaseClock, Patience
from pillarbox.store.cluster.leases import Life
from pillarbox.store.cluster.objects import Objects
from pillarbox.store.cluster.opening import Before, Opening
from pillarbox.store.cluster.tables import Tables
from pillarbox.store.cluster.views import Holding

PAUSE_SECONDS = 0.25
"""Between two tries to give a view back."""
RETURNING = 4
"""While the database is away, so many sessions of those that want to give one back ask for it, in turn;
there may be thousands."""

_log = structlog.get_logger("pillarbox.store")


@dataclass(slots=True)
class Parts:
    """Of one store; an event loop's."""

    tables: Tables
    clock: DatabaseClock
    life: Life
    objects: Objects | None
    holding: Holding
    node: str
    chores: Chores = field(default_factory=Chores)
    ahead: ReadAhead[Sequence[Any]] = field(default_factory=ReadAhead)
    """Bodies that will be asked for next."""
    is_closed: bool = False
    _returning: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(RETURNING))
    _letting_go: asyncio.TimerHandle | None = None

    def must_be_open(self) -> None:
        """Raises StoreUnavailable after the end."""
        if self.is_closed:
            raise StoreUnavailable("the store has been closed", temporary=True)

    def tell(self, event: str, identity: Identity, token: int) -> None:
        """Log that a lease has come or gone: from these lines it can be seen who had what when."""
        user, view = identity
        _log.debug(event, user=user, view=view, lease=token, node=self.node)

    def keep_ahead(self, whose: object, rows: Sequence[Sequence[Any]]) -> None:
        """Have bodies wait for the session *whose*, and let them go if it stops."""
        self.ahead.keep(whose, rows, time.monotonic())
        if self._letting_go is None:
            self._let_go_later()

    def close(self) -> None:
        """Nobody comes any more."""
        self.is_closed = True
        if self._letting_go is not None:
            self._letting_go.cancel()

    def _let_go_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._letting_go = loop.call_later(STALE_SECONDS, self._let_stale_go)

    def _let_stale_go(self) -> None:
        self._letting_go = None
        if self.ahead.let_stale_go(time.monotonic()) and not self.is_closed:
            self._let_go_later()

    async def give_back(
        self,
        opening: Opening,
        patience: Patience,
        before: Before | None = None,
        *,
        taking: bool = False,
    ) -> None:
        """Free a view that was perhaps not given back, until that is certain.

        *before*: see :meth:`Opening.give_back`. *taking*: it is not even known whether it was taken, or will be.
        """
        while True:
            last = patience.is_over
            async with self._returning:
                try:
                    if taking:
                        token = await opening.give_up()
                    else:
                        token = await opening.give_back(before)
                except StoreUnavailable:
                    await asyncio.sleep(PAUSE_SECONDS)  # before anybody else asks
                    continue
            if token is not None:
                self.tell("view released", opening.identity, token)
                return
            if last:
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def give_up(
        self,
        user: str,
        giving_back: Callable[[], Awaitable[object]],
        patience: Patience | None = None,
    ) -> None:
        """Free a maildrop that was moved, by what may be asked again: behind the caller's back, and for as long as
        it takes, if it cannot be done at once. The process may live for hours.

        *patience*: with a statement that may still take what is given back here; the caller does not wait.
        """
        if patience is None:
            try:
                await giving_back()
            except StoreUnavailable as error:
                _log.warning("a maildrop could not be unlocked yet", user=user, error=str(error))
            else:
                return
        self.chores.go_on(self._given_up(giving_back, patience))

    async def _given_up(
        self, giving_back: Callable[[], Awaitable[object]], patience: Patience | None
    ) -> None:
        last = False
        while not last:
            last = patience is None or patience.is_over
            async with self._returning:
                try:
                    await giving_back()
                except StoreUnavailable:
                    last = False
            if not last:
                await asyncio.sleep(PAUSE_SECONDS)

    async def object_of(self, user: str, identifier: UUID, stored: int) -> BodyStream:
        """The body of a message of *user* that is an object.

        Raises:
            BodyDamaged, StoreUnavailable: see :meth:`Objects.open`.
        """
        if self.objects is None:
            raise StoreUnavailable(
                f"a message of {user} is object {identifier}, and no object store is configured",
                temporary=False,
            )
        return await self.objects.open(identifier, stored)
