"""Moving maildrops out of the cluster, and into it (see :mod:`pillarbox.store.moving`).

While a maildrop comes in, all its views are leased to a process that never dies: so it is closed, for
all nodes, whatever becomes of who moves it. Who that is says the row in ``arrivals``, as long as he lives:
then nobody else moves it. Who goes on with it later leases the views anew. By ``opening``, each landing's own,
every step looks whether they are still its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from pillarbox.contracts.errors import BodyDamaged, LockLost, MaildropLocked, StoreUnavailable
from pillarbox.contracts.store import Body, BodyStream
from pillarbox.contracts.transfer import Export, MovedMessage, MovedView, TakenOver
from pillarbox.database import Transaction
from pillarbox.store.cluster import moving_leases as leases
from pillarbox.store.cluster import moving_steps as steps
from pillarbox.store.cluster.clock import Patience
from pillarbox.store.cluster.delivering import uploaded
from pillarbox.store.cluster.moving_reading import Found, read
from pillarbox.store.cluster.parts import Parts
from pillarbox.store.cluster.tables import Unsettled
from pillarbox.store.moving import Arrival, Coming, Completion, take_over

_BODY = """
    SELECT m.octets, m.stored, m.international, m.object, b.data
    FROM messages AS m LEFT JOIN bodies AS b ON b.maildrop = m.maildrop AND b.seq = m.seq
    WHERE m.maildrop = $1 AND m.seq = $2
"""
_OURS = "SELECT count(*) FROM views WHERE maildrop = $1 AND opening = $2"


class ClusterExport:
    """Implements :class:`~pillarbox.contracts.transfer.Export`."""

    def __init__(self, parts: Parts, user: str, found: Found, opening: UUID | None) -> None:
        """*opening*: by which its views are leased; None: they are not."""
        self.user = user
        self.origin = found.origin
        self.next_seq = found.next_seq
        self.views: Sequence[MovedView] = found.views
        self.messages: Sequence[MovedMessage] = found.messages
        self._parts = parts
        self.seqs: Sequence[int] = found.seqs
        self.lost = found.lost
        self._opening = opening

    async def body(self, place: int) -> Body:
        parts, seq = self._parts, self.seqs[place]
        rows = await parts.tables.ask(_BODY, self.user, seq)
        if not rows:
            raise StoreUnavailable(
                f"message {seq} of {self.user} has been removed while it was moved", temporary=True
            )
        ((octets, stored, international, identifier, data),) = rows
        if identifier is not None:
            return Body(octets, stored, international, await self._object(identifier, stored))
        if data is None or len(data) != stored:
            what = "is missing from" if data is None else f"has {len(data)} bytes, not {stored}, in"
            raise BodyDamaged(f"body {seq} of {self.user} {what} database {parts.tables.name}")
        return Body(octets, stored, international, data)

    async def must_be_locked(self) -> None:
        if self._opening is None:
            return
        ((ours,),) = await self._parts.tables.ask(_OURS, self.user, self._opening)
        if ours < len(self.views):
            raise LockLost(
                f"maildrop of {self.user}: it was unlocked while it was moved from there"
            )

    async def _object(self, identifier: UUID, stored: int) -> BodyStream:
        """A large body. One that is not there, though its bucket is, must not stop all others."""
        parts = self._parts
        try:
            return await parts.object_of(self.user, identifier, stored)
        except StoreUnavailable:
            if parts.objects is None or await parts.objects.size_of(identifier) is not None:
                raise
            what = f"object {identifier} is missing from {parts.objects.name}"
            raise BodyDamaged(what) from None

    async def release(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None:
            await _give_back(self._parts, self.user, opening)


@dataclass(slots=True)
class ClusterLanding:
    """Implements :class:`~pillarbox.store.moving.Landing`."""

    parts: Parts
    user: str
    views: Sequence[MovedView]
    messages: Sequence[MovedMessage]
    arrival: Arrival | None
    used: bool
    mover: UUID | None
    """This process; None: it is only looked at."""
    mine: leases.Mine
    inline_bytes: int

    async def begin(self, origin: str, *, mirrors: bool) -> None:
        await self.parts.tables.transaction(
            lambda transaction: leases.close(
                transaction, self.user, self.mine, self.mover, origin, mirrors=mirrors
            )
        )

    async def put(self, batch: Sequence[Coming]) -> None:
        uploaded = await self._uploaded(batch)
        await self.parts.tables.transaction(
            lambda transaction: steps.put(transaction, self.user, self.mine, batch, uploaded)
        )

    async def complete(self, completion: Completion) -> None:
        await self.parts.tables.transaction(
            lambda transaction: steps.complete(transaction, self.user, self.mine, completion)
        )

    async def release(self) -> None:
        """Free what is not to stay closed."""
        if self.mover is not None:
            await self.parts.give_up(self.user, self._left)

    async def _left(self) -> None:
        await self.parts.tables.transaction(
            lambda transaction: leases.leave(transaction, self.user, self.mine.opening)
        )

    async def _uploaded(self, batch: Sequence[Coming]) -> dict[int, UUID]:
        """The objects of the large ones, durable, by their places."""
        parts, objects = self.parts, self.parts.objects
        if objects is None:
            return {}
        return {
            place: await uploaded(parts.tables, objects, coming.data)
            for place, coming in enumerate(batch)
            if len(coming.data) > self.inline_bytes
        }


async def export(parts: Parts, user: str, *, lock: bool) -> ClusterExport | None:
    """See :meth:`.StoreTransfer.export`."""
    opening = uuid4() if lock else None
    if opening is not None and not await _leased(parts, user, opening):
        return None
    try:
        found = await parts.tables.transaction(lambda transaction: read(transaction, user))
    except BaseException:
        if opening is not None:
            await asyncio.shield(parts.chores.begin(_give_back(parts, user, opening)))
        raise
    return None if found is None else ClusterExport(parts, user, found, opening)


async def take_over_into(
    parts: Parts, export: Export, inline_bytes: int, *, only_look: bool
) -> TakenOver:
    """See :meth:`.StoreTransfer.take_over`."""
    landing = await _land(parts, export.user, inline_bytes, lock=not only_look)
    try:
        return await take_over(export, landing, only_look=only_look)
    finally:
        await asyncio.shield(parts.chores.begin(landing.release()))


async def _leased(parts: Parts, user: str, opening: UUID) -> bool:
    """Lease all views of a maildrop; False: there is none."""
    process = await parts.life.identifier()

    async def work(transaction: Transaction) -> bool:
        return await leases.lease(transaction, user, process, opening)

    try:
        return await parts.tables.transaction(work)
    except leases.LifeIsOver:
        parts.life.has_ended(process)
        raise
    except Unsettled:  # it may be leased, now or within a while
        await _give_back(parts, user, opening, Patience())
        raise


async def _give_back(
    parts: Parts, user: str, opening: UUID, patience: Patience | None = None
) -> None:
    await parts.give_up(
        user, lambda: parts.tables.change(leases.GIVE_BACK, user, opening), patience
    )


async def _land(parts: Parts, user: str, inline_bytes: int, *, lock: bool) -> ClusterLanding:
    mine = leases.Mine(uuid4(), 0)
    landing = ClusterLanding(parts, user, (), (), None, False, None, mine, inline_bytes)
    standing = None
    if lock:
        landing.mover = process = await parts.life.identifier()
        try:
            standing, landing.mine = await parts.tables.transaction(
                lambda transaction: leases.land(transaction, user, process, mine.opening)
            )
        except leases.LifeIsOver:
            parts.life.has_ended(process)
            raise
        except Unsettled:
            await parts.give_up(user, landing._left, Patience())  # noqa: SLF001 -- this module's
            raise
    try:
        found = await parts.tables.transaction(lambda transaction: read(transaction, user))
    except BaseException:
        await asyncio.shield(parts.chores.begin(landing.release()))
        raise
    if found is None and lock:
        raise MaildropLocked(f"the maildrop of {user} has been removed in this moment")
    if found is not None:
        landing.views, landing.messages, landing.arrival = (
            found.views,
            found.messages,
            found.arrival,
        )
        landing.used = found.is_used(standing or found.standing)
    return landing
