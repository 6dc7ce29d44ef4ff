"""The store itself: finds the shard, and puts the parts together."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

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
from pillarbox.model import DEFAULT_VIEW, Identity, MessageInfo, Recipient, StoredForm
from pillarbox.store.embedded import admin, moving
from pillarbox.store.embedded.absence import soon_absent
from pillarbox.store.embedded.bodies import Staged, try_room
from pillarbox.store.embedded.errors import unavailable
from pillarbox.store.embedded.jobs import Deliver, Probe
from pillarbox.store.embedded.layout import Layout
from pillarbox.store.embedded.maildrop import EmbeddedMaildrop
from pillarbox.store.embedded.moving import EmbeddedExport
from pillarbox.store.embedded.opening import closed, keep_interval, made_and_locked, seen
from pillarbox.store.embedded.retention import expire
from pillarbox.store.embedded.seen import is_due
from pillarbox.store.embedded.shards import Shard
from pillarbox.store.embedded.staging import LargeBodies, discard
from pillarbox.store.embedded.views import Holding
from pillarbox.store.embedded.waiting import waiting
from pillarbox.store.moving import take_over

INLINE_BYTES = 128 * 1024
"""Bodies up to this size are kept in the index. Measured: experiments/store.md."""
PROBE_OCTETS = 1024 * 1024
"""There must be room for so much, or the store is not said to be well: the mark that a probe writes
still fits, in pages that SQLite has, where ordinary mail has long been put off."""
THREADS = 8
"""Threads for what must not hold up the event loop: staging and reading large bodies."""


class EmbeddedStore:
    """Implements :class:`~pillarbox.contracts.store.Store` and ``StoreAdmin``.

    Made by :func:`~.starting.open_store` or :func:`~.starting.look_at_store`. Used from one event loop.
    """

    def __init__(
        self,
        layout: Layout,
        inline_bytes: int = INLINE_BYTES,
        *,
        default_holds: bool = False,
        exists: bool = True,
    ) -> None:
        self._layout = layout
        self._inline_bytes = inline_bytes
        self._holding = Holding(default_holds=default_holds)
        self.all_shards = [
            Shard(layout.shard(number), exists=exists) for number in range(layout.shards)
        ]
        self._lazy_executor: ThreadPoolExecutor | None = None
        self._closed = False

    def hold(self) -> None:
        """Keep every shard open for reading from now on, so that a disk that fills up later
        does not keep anybody from collecting. For who serves; not before a fork.
        """
        for shard in self.all_shards:
            with contextlib.suppress(StoreUnavailable):  # a damaged one answers for itself
                shard.hold()

    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> EmbeddedMaildrop:
        self._must_be_open()
        shard = self._shard(identity.user)
        row = shard.lock(identity) or await made_and_locked(shard, identity)
        if row.closed:
            shard.unlock(row.byte)
            raise closed(identity.user)
        now = time.time()
        if is_due(row.seen_at, now):
            row = await seen(shard, identity, row, now, self._holding)
        if minimum_interval > 0:
            await keep_interval(shard, identity.user, row, minimum_interval)
        return EmbeddedMaildrop(shard, identity, row, self._executor, self._holding)

    async def deliver(
        self, message: StoredForm, recipients: Sequence[Recipient]
    ) -> Sequence[StoreError | None]:
        self._must_be_open()
        by_shard: dict[Shard, list[int]] = {}
        for place, recipient in enumerate(recipients):
            by_shard.setdefault(self._shard(recipient.user), []).append(place)
        try:
            staged = await self._staged(message.data, len(by_shard))
        except StoreUnavailable as error:
            self._must_be_open()
            return [error] * len(recipients)
        answers = [
            (places, shard.writer.submit(Deliver(message, [recipients[n] for n in places], staged)))
            for shard, places in by_shard.items()
        ]
        outcomes: list[StoreError | None] = [None] * len(recipients)
        for places, answer in answers:
            for place, outcome in zip(places, _each(await answer, len(places)), strict=True):
                outcomes[place] = outcome
        return outcomes

    async def probe(self) -> None:
        self._must_be_open()
        staging = self._layout.staging
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._executor, try_room, staging, PROBE_OCTETS)
        except OSError as error:
            raise unavailable(error, staging) from error
        for shard in self.all_shards:
            shard.hold()
        await asyncio.gather(*(shard.write(Probe()) for shard in self.all_shards))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._lazy_executor is not None:
            await asyncio.to_thread(self._lazy_executor.shutdown)
        for shard in self.all_shards:
            await shard.close()

    # StoreAdmin: see admin

    async def users(self) -> Sequence[str]:
        self._must_be_open()
        return admin.users(self.all_shards)

    async def status(self, user: str) -> MaildropStatus:
        self._must_be_open()
        return admin.status(self._shard(user), user, self._holding)

    async def listing(self, user: str, view: str = DEFAULT_VIEW) -> Sequence[MessageInfo]:
        self._must_be_open()
        return admin.listing(self._shard(user), Identity(user, view))

    async def unlock(self, user: str, view: str = DEFAULT_VIEW) -> bool:
        self._must_be_open()
        return await admin.unlock(self._shard(user), Identity(user, view))

    async def add_view(self, user: str, view: str, *, from_now_on: bool = False) -> None:
        self._must_be_open()
        await admin.add_view(self._shard(user), Identity(user, view), from_now_on=from_now_on)

    async def remove_view(self, user: str, view: str) -> None:
        self._must_be_open()
        await admin.remove_view(self._shard(user), Identity(user, view), self._holding)

    async def waiting(self, user: str) -> Sequence[Waiting]:
        self._must_be_open()
        return await asyncio.to_thread(waiting, self._shard(user), user, self._holding)

    async def expire(self, retention: Retention) -> Expired:
        self._must_be_open()
        return await expire(self.all_shards, retention, self._holding)

    async def soon_absent(
        self, retention: Retention, notice_seconds: float
    ) -> Sequence[SoonAbsent]:
        self._must_be_open()
        return await asyncio.to_thread(
            soon_absent, self.all_shards, retention, notice_seconds, self._holding
        )

    async def take_sweep(self, seconds: float) -> bool:
        """Always ours: there is one machine, and one of its workers sweeps."""
        del seconds
        self._must_be_open()
        return True

    async def remove(self, user: str) -> None:
        self._must_be_open()
        await admin.remove(self._shard(user), user)

    async def check(self, user: str | None = None, *, repair: bool = False) -> Sequence[Finding]:
        self._must_be_open()
        shards = self.all_shards if user is None else [self._shard(user)]
        return await admin.check(shards, self._layout.staging, user, repair=repair)

    # StoreTransfer: see moving

    async def export(self, user: str, *, lock: bool = True) -> EmbeddedExport | None:
        self._must_be_open()
        shard = self._shard(user)
        maildrop = moving.find(shard, user)
        if maildrop is None:
            return None
        locks = moving.lock_all(shard, user, maildrop).views if lock else ()
        try:
            found = await moving.read(shard, user)
            if lock and found is not None:
                moving.must_have_origin(shard, found)
        except BaseException:
            shard.unlock_all(locks)
            raise
        if found is None or found.maildrop != maildrop:
            shard.unlock_all(locks)
            return None
        return EmbeddedExport(shard, user, found, locks, self._executor)

    async def take_over(self, export: Export, *, only_look: bool = False) -> TakenOver:
        self._must_be_open()
        shard, user = self._shard(export.user), export.user
        landing = await moving.land(shard, user, self._large, lock=not only_look)
        try:
            return await take_over(export, landing, only_look=only_look)
        finally:
            landing.release()

    # Parts

    def _shard(self, user: str) -> Shard:
        return self.all_shards[self._layout.shard_number(user)]

    @property
    def _executor(self) -> ThreadPoolExecutor:
        """Made when first needed, hence after any fork."""
        if self._lazy_executor is None:
            self._lazy_executor = ThreadPoolExecutor(THREADS, thread_name_prefix="pillarbox-store")
        return self._lazy_executor

    @property
    def _large(self) -> LargeBodies:
        return LargeBodies(self._layout.staging, self._inline_bytes, self._executor)

    async def _staged(self, data: bytes, sharers: int) -> Staged | None:
        """*data* staged for *sharers* shards, if it is large."""
        if len(data) <= self._inline_bytes or not sharers:
            return None
        staged = (await self._large.staged([data], sharers))[0]
        if self._closed:
            discard([staged], sharers)
        self._must_be_open()
        return staged

    def _must_be_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store has been closed", temporary=True)


def _each(outcome: list[StoreError | None] | Exception, number: int) -> Sequence[StoreError | None]:
    """The outcome of each recipient, when it may be one for all of them."""
    if isinstance(outcome, list):
        return outcome
    if isinstance(outcome, StoreError):
        return [outcome] * number
    raise outcome
