"""The store itself: opens, delivers, and puts the parts together.

Nothing is connected before it is needed, and a database that is away at the start does not keep a server from
starting: whoever comes is told so until it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import uuid4

import structlog

from pillarbox.contracts.errors import StoreError, StoreUnavailable
from pillarbox.contracts.store import (
    Expired,
    Finding,
    MaildropStatus,
    Retention,
    SoonAbsent,
    Waiting,
)
from pillarbox.contracts.transfer import Export, TakenOver
from pillarbox.database import Database, DatabaseUnavailable
from pillarbox.database.database import STATEMENT_SECONDS
from pillarbox.database.migrate import must_be_current
from pillarbox.model import DEFAULT_VIEW, Identity, MessageInfo, Recipient, StoredForm
from pillarbox.store.cluster import admin, moving
from pillarbox.store.cluster.check import check
from pillarbox.store.cluster.clock import DatabaseClock, Patience
from pillarbox.store.cluster.collector import Collector
from pillarbox.store.cluster.delivering import Delivery, uploaded
from pillarbox.store.cluster.leases import Life
from pillarbox.store.cluster.maildrop import ClusterMaildrop
from pillarbox.store.cluster.moving import ClusterExport
from pillarbox.store.cluster.objects import Objects
from pillarbox.store.cluster.opening import Lease, Opening
from pillarbox.store.cluster.parts import Parts
from pillarbox.store.cluster.retention import expire
from pillarbox.store.cluster.settings import ClusterSettings
from pillarbox.store.cluster.sweeping import soon_absent, take_sweep
from pillarbox.store.cluster.tables import Tables, Unsettled
from pillarbox.store.cluster.turns import Turns
from pillarbox.store.cluster.viewing import add_view, remove_view
from pillarbox.store.cluster.views import Holding
from pillarbox.store.cluster.waiting import waiting

CLOSING_SECONDS = 3.0
"""So long the end of a store waits for the database. Shorter than a supervisor's patience with a process."""

_PROBE = """
    INSERT INTO pulses (node, at) VALUES ($1, clock_timestamp())
    ON CONFLICT (node) DO UPDATE SET at = excluded.at
"""

_log = structlog.get_logger("pillarbox.store")


async def open_cluster(settings: ClusterSettings, *, default_holds: bool = False) -> ClusterStore:
    """The store of a cluster.

    Args:
        settings: how it is found.
        default_holds: whether the view ``default`` holds mail back before it is first opened.
            All nodes should say the same.

    Raises:
        StoreUnavailable: its tables are not those of this Pillarbox, or the database refuses us.
            (One that is away is only logged.)
    """
    store = ClusterStore(settings, default_holds=default_holds)
    store.is_current = False
    try:
        await store.must_be_current()
    except StoreUnavailable as error:
        if not error.temporary:
            await store.close()
            raise
        _log.warning("the cluster's database is away; going on without it", error=str(error))
    return store


class ClusterStore:
    """Implements :class:`~pillarbox.contracts.store.Store` and ``StoreAdmin``.

    Used from one event loop, which must not have begun when it is made.
    """

    def __init__(self, settings: ClusterSettings, *, default_holds: bool = False) -> None:
        """See :func:`open_cluster`; this asks nobody anything."""
        self.database = Database(settings.database, connections=settings.connections)
        tables = Tables(self.database)
        clock = DatabaseClock(tables)
        # A connection that is silently dead must not cost the leases.
        seconds = min(STATEMENT_SECONDS, settings.lease_seconds / 4)
        renewing = Tables(Database(settings.database, connections=1, statement_seconds=seconds))
        life = Life(renewing, clock, settings.node, settings.lease_seconds)
        holding = Holding(default_holds=default_holds)
        objects = Objects(settings.objects) if settings.objects else None
        self._parts = Parts(tables, clock, life, objects, holding, settings.node)
        self._inline_bytes = settings.inline_bytes
        self._turns = Turns()
        self._sweeps_as = uuid4()
        self._undoing: dict[Identity, asyncio.Task[None]] = {}
        self.is_current = True
        """Whether the tables are as they should be. False: nobody has seen that yet."""

    def begin(self) -> None:
        """For who serves, once its loop runs: from now on this process collects, too."""
        collector = Collector(self.database, self._parts.objects)
        self._parts.chores.go_on(collector.run())

    async def must_be_current(self) -> None:
        """See to it that the tables are those of this Pillarbox, unless that has been seen already.

        Raises:
            StoreUnavailable: they are not, or the database cannot be asked.
        """
        if self.is_current:
            return
        try:
            await must_be_current(self.database)
        except DatabaseUnavailable as error:
            raise StoreUnavailable(str(error), temporary=error.temporary) from error
        self.is_current = True

    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> ClusterMaildrop:
        parts = self._parts
        parts.must_be_open()
        if undoing := self._undoing.get(identity):
            await asyncio.wait([undoing])
        opening = Opening.of(parts.tables, parts.clock, parts.life, identity, minimum_interval)
        taking = parts.chores.begin(self._take(opening))
        try:
            lease = await asyncio.shield(taking)
        except asyncio.CancelledError:
            self._undo(opening, taking)
            raise
        return ClusterMaildrop(parts, opening, lease)

    async def deliver(
        self, message: StoredForm, recipients: Sequence[Recipient]
    ) -> Sequence[StoreError | None]:
        parts = self._parts
        parts.must_be_open()
        if not recipients:
            return []
        body = None
        try:
            await self.must_be_current()
        except StoreUnavailable as error:
            return [error] * len(recipients)
        if parts.objects is not None and len(message.data) > self._inline_bytes:
            try:
                body = await uploaded(parts.tables, parts.objects, message.data)
            except StoreUnavailable as error:
                return [error] * len(recipients)
        delivery = Delivery.of(parts.tables, parts.clock, message, body)
        # It goes on if we are cancelled: each maildrop gets it whole, and in its turn.
        return await asyncio.shield(parts.chores.begin(self._deliver(delivery, recipients)))

    async def renew(self) -> None:
        """Put off the end of all leases of this process, which also happens by itself.

        Raises:
            StoreUnavailable: the database cannot be asked.
        """
        await self._parts.life.renew()

    async def probe(self) -> None:
        """The database's part. Without the object store lists and small mail go on; and it is away from
        all nodes at once, so none is better off without this one. (The collector looks at it.)
        """
        self._parts.must_be_open()
        await self.must_be_current()
        await self._parts.tables.change(_PROBE, self._parts.node)

    async def close(self) -> None:
        parts = self._parts
        if parts.is_closed:
            return
        parts.close()
        finishing = asyncio.create_task(self._finish())
        done, _ = await asyncio.wait({finishing}, timeout=CLOSING_SECONDS)
        if not done:
            _log.warning("the cluster's database does not answer; leases will lapse by themselves")
            await parts.tables.close()
            await parts.life.break_off()
            await parts.chores.break_off()
        await finishing
        await parts.tables.close()
        if parts.objects is not None:
            await parts.objects.close()

    async def _finish(self) -> None:
        await self._parts.chores.finish()
        await self._parts.life.end()

    # StoreAdmin: see admin

    async def users(self) -> Sequence[str]:
        return await admin.users(self._tables)

    async def status(self, user: str) -> MaildropStatus:
        return await admin.status(self._tables, user, self._parts.holding)

    async def listing(self, user: str, view: str = DEFAULT_VIEW) -> Sequence[MessageInfo]:
        return await admin.listing(self._tables, Identity(user, view))

    async def unlock(self, user: str, view: str = DEFAULT_VIEW) -> bool:
        return await admin.unlock(self._tables, Identity(user, view))

    async def add_view(self, user: str, view: str, *, from_now_on: bool = False) -> None:
        await add_view(self._tables, Identity(user, view), from_now_on=from_now_on)

    async def remove_view(self, user: str, view: str) -> None:
        await remove_view(self._tables, Identity(user, view), self._parts.holding)

    async def waiting(self, user: str) -> Sequence[Waiting]:
        return await waiting(self._tables, user, self._parts.holding)

    async def expire(self, retention: Retention) -> Expired:
        return await expire(self._tables, retention, self._parts.holding)

    async def soon_absent(
        self, retention: Retention, notice_seconds: float
    ) -> Sequence[SoonAbsent]:
        return await soon_absent(self._tables, retention, notice_seconds, self._parts.holding)

    async def take_sweep(self, seconds: float) -> bool:
        return await take_sweep(self._tables, self._sweeps_as, seconds)

    async def remove(self, user: str) -> None:
        await admin.remove(self._tables, user)

    async def check(self, user: str | None = None, *, repair: bool = False) -> Sequence[Finding]:
        return await check(self._tables, self._parts.objects, user, repair=repair)

    # StoreTransfer: see moving

    async def export(self, user: str, *, lock: bool = True) -> ClusterExport | None:
        self._parts.must_be_open()
        return await moving.export(self._parts, user, lock=lock)

    async def take_over(self, export: Export, *, only_look: bool = False) -> TakenOver:
        self._parts.must_be_open()
        return await moving.take_over_into(
            self._parts, export, self._inline_bytes, only_look=only_look
        )

    # Parts

    @property
    def _tables(self) -> Tables:
        self._parts.must_be_open()
        return self._parts.tables

    async def _take(self, opening: Opening) -> Lease:
        parts = self._parts
        await self.must_be_current()
        try:
            lease = await opening.take()
        except Unsettled:
            parts.chores.go_on(parts.give_back(opening, Patience(), taking=True))
            raise
        event = "view taken over" if lease.taken_over else "view taken"
        parts.tell(event, opening.identity, lease.token)
        return lease

    def _undo(self, opening: Opening, taking: asyncio.Task[Lease]) -> None:
        """An opening that was broken off has never been."""
        undoing = self._parts.chores.begin(self._undone(opening, taking))
        self._undoing[opening.identity] = undoing
        undoing.add_done_callback(partial(self._undone_by, opening.identity))

    def _undone_by(self, identity: Identity, undoing: asyncio.Task[None]) -> None:
        if self._undoing.get(identity) is undoing:  # and no newer one
            del self._undoing[identity]

    async def _undone(self, opening: Opening, taking: asyncio.Task[Lease]) -> None:
        await asyncio.wait([taking])
        if taking.cancelled() or taking.exception() is not None:
            return
        lease, parts = taking.result(), self._parts
        try:
            await opening.give_back(lease.before)
        except StoreUnavailable:
            parts.chores.go_on(parts.give_back(opening, Patience(), lease.before))
        else:
            parts.tell("view released", opening.identity, lease.token)

    async def _deliver(
        self, delivery: Delivery, recipients: Sequence[Recipient]
    ) -> list[StoreError | None]:
        if delivery.body is None:
            return await asyncio.gather(*(self._deliver_to(delivery, each) for each in recipients))
        # One after the other: they all count the references to one object.
        outcomes: list[StoreError | None] = []
        for recipient in recipients:
            outcome = await self._deliver_to(delivery, recipient)
            outcomes.append(outcome)
            if isinstance(outcome, StoreUnavailable) and outcome.temporary:
                # To wait for it once more for each of the others is to go on after the sender has given up.
                return outcomes + [outcome] * (len(recipients) - len(outcomes))
        return outcomes

    async def _deliver_to(self, delivery: Delivery, recipient: Recipient) -> StoreError | None:
        async with self._turns.of(recipient.user):
            return await delivery.to(recipient)
