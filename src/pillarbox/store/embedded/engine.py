"""The store itself: finds the shard, and puts the parts together.

:func:`open_store` makes the folders, brings the indexes up to date and clears away what a
crash left behind. It keeps nothing open: the processes that share a store may open it each
by themselves, or fork after one has (before its first use, before it holds anything, and if it
has not put a sweep off: a thread of it then stands in line for a lock).

:func:`look_at_store` does none of this: it is for commands that only look, and changes nothing
(but for the files that SQLite keeps beside an index that is read, and removes).
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import structlog

from pillarbox.contracts.errors import (
    MaildropLocked,
    OpenedTooSoon,
    StoreError,
    StoreUnavailable,
)
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
from pillarbox.store.embedded.admin import no_such_view
from pillarbox.store.embedded.backlog import PATIENCE_SECONDS
from pillarbox.store.embedded.bodies import Staged, abandoned, stage, try_room
from pillarbox.store.embedded.errors import is_damage, unavailable
from pillarbox.store.embedded.jobs import Deliver, MakeMaildrop, NoteOpening, Probe
from pillarbox.store.embedded.layout import DEFAULT_SHARDS, Layout, describe, described, settle
from pillarbox.store.embedded.maildrop import EmbeddedMaildrop
from pillarbox.store.embedded.moving import EmbeddedExport, LargeBodies
from pillarbox.store.embedded.retention import expire
from pillarbox.store.embedded.schema import connect, is_current, migrate
from pillarbox.store.embedded.seen import is_due
from pillarbox.store.embedded.shards import Shard, ViewRow
from pillarbox.store.embedded.sweep import sweep_shard, sweep_staging
from pillarbox.store.embedded.turns import WriterLockHeld, turn
from pillarbox.store.embedded.view_jobs import NoteSeen
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

_log = structlog.get_logger("pillarbox.store")


def open_store(
    path: Path,
    *,
    shards: int = DEFAULT_SHARDS,
    inline_bytes: int = INLINE_BYTES,
    default_holds: bool = False,
    patience: float = PATIENCE_SECONDS,
    speaks: bool = True,
) -> EmbeddedStore:
    """The store in the folder *path*, made if there is none. Blocks: call it before serving.

    Args:
        path: its folder. Everything in it belongs to the user that makes it: drop
            privileges first.
        shards: how many parts a new store has; an existing one keeps its number.
        inline_bytes: bodies up to this size go into the index, larger ones into files.
        default_holds: whether the view ``default`` holds mail back before it is first opened.
            All who open the store should say the same.
        patience: seconds after which a write that another process holds up is given up.
        speaks: whether damage is logged; False when somebody else does, or who uses a damaged
            shard says so anyway.

    Raises:
        StoreUnavailable: the store cannot be used, or an index of it is missing or empty; or
            one has to be brought up to date and another process holds it up.
            One damaged shard does not stop the others: it answers for itself when it is used.
            Nor does one that another process keeps from being swept: the next start does it.
    """
    path = path.absolute()
    try:
        layout, new = settle(path, shards)
        damage = _migrate(layout, new=new)
        if new:
            layout = describe(layout)
        swept = _sweep(layout, damage)
    except OSError as error:
        raise unavailable(error, path) from error
    for problem in damage.values() if speaks else ():
        _log.error("a part of the store is damaged", error=str(problem))
    if swept:
        _log.info("cleared away what a crash left behind", store=str(path), files=swept)
    store = EmbeddedStore(layout, inline_bytes, default_holds=default_holds)
    for shard in store.all_shards:
        shard.writer.backlog.patience = patience
    return store


def look_at_store(
    path: Path, *, must_exist: bool = False, default_holds: bool = False
) -> EmbeddedStore:
    """The store in the folder *path*, as it is, for ``StoreAdmin``'s methods, and for ``probe``.

    Those that only look change nothing, and of no store they say that it is empty. Nobody waits
    here for a lock: nothing is brought up to date, nothing swept.

    Raises:
        StoreUnavailable: the store's description is missing or cannot be understood; or there
            is no store, and it *must_exist*.
    """
    path = path.absolute()
    try:
        layout = described(path)
    except OSError as error:
        raise unavailable(error, path) from error
    if layout is None and must_exist:
        raise StoreUnavailable(f"there is no store in {path}", temporary=True)
    return EmbeddedStore(
        layout or Layout(path, DEFAULT_SHARDS),
        default_holds=default_holds,
        exists=layout is not None,
    )


def _migrate(layout: Layout, *, new: bool) -> dict[int, StoreUnavailable]:
    """Bring the indexes up to date; what to say of those that are damaged, by shard."""
    damage = {}
    for number in range(layout.shards):
        shard = Shard(layout.shard(number))
        try:
            if new or not is_current(shard.index):  # a start should not have to wait for a lock
                with turn(shard.turns):
                    migrate(shard.index, new=new)
        except sqlite3.Error as error:
            damage[number] = _damage(error, shard)
    return damage


def _sweep(layout: Layout, damage: dict[int, StoreUnavailable]) -> int:
    """Clear away what a crash left behind; how many files. Adds to *damage* what it finds.

    A staged file may be linked into any shard, and proves there what the link is: so it goes
    last, and only when all shards have been swept. A shard whose lock somebody holds has time.
    """
    staged = abandoned(layout.staging)
    inodes = set(staged.values())
    swept, everywhere = 0, not damage
    for number in sorted(set(range(layout.shards)).difference(damage)):
        shard = Shard(layout.shard(number))
        try:
            with closing(connect(shard.index)) as sql:
                swept += sweep_shard(sql, shard.turns, shard.bodies, inodes, briefly=True)
        except WriterLockHeld as error:
            everywhere = False
            _log.warning(
                "clearing away what a crash left behind is put off until the next start, or: "
                "pillarbox maildrop check --repair",
                error=str(error),
            )
        except sqlite3.Error as error:
            everywhere = False
            damage[number] = _damage(error, shard)
    return swept + (sweep_staging(staged) if everywhere else 0)


def _damage(error: sqlite3.Error, shard: Shard) -> StoreUnavailable:
    """What to say of damage.

    Raises:
        StoreUnavailable: it is something else.
    """
    found = unavailable(error, shard.index)
    if not is_damage(error):
        raise found from error
    return found


class EmbeddedStore:
    """Implements :class:`~pillarbox.contracts.store.Store` and ``StoreAdmin``.

    Made by :func:`open_store` or :func:`look_at_store`. Used from one event loop.
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
        row = shard.lock(identity) or await self._made_and_locked(shard, identity)
        if row.closed:
            shard.unlock(row.byte)
            raise _closed(identity.user)
        now = time.time()
        if is_due(row.seen_at, now):
            row = await self._seen(shard, identity, row, now)
        if minimum_interval > 0:
            await _keep_interval(shard, identity.user, row, minimum_interval)
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
        except OSError as error:
            return [unavailable(error, self._layout.staging)] * len(recipients)
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
        large = LargeBodies(self._layout.staging, self._inline_bytes, self._executor)
        landing = await moving.land(shard, user, large, lock=not only_look)
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

    async def _made_and_locked(self, shard: Shard, identity: Identity) -> ViewRow:
        user, view = identity
        found = shard.find(identity)
        if found is None and view != DEFAULT_VIEW:
            raise no_such_view(identity)
        if found is None:
            await shard.write(MakeMaildrop(user))
        if found is None or await shard.has_ended(found.byte):
            row = shard.lock(identity)
            if row is not None:
                return row
        raise _locked(identity)

    async def _seen(self, shard: Shard, identity: Identity, row: ViewRow, now: float) -> ViewRow:
        """Note the opening. Where other views could take away messages of this one until it
        is noted, wait for it, and where they could if there were any, for a while; then its row
        is read again. Whatever it raises, it unlocks the view.
        """
        try:
            if shard.may_lose(row, self._holding):
                await shard.write(NoteSeen(row.view, now))
            elif self._holding.needs_note(identity.view) and row.seen_at is None:
                await shard.seen.note_first(row.view, now)
            else:
                shard.seen.note(row.view, now)
                return row
            again = shard.confirmed(identity, row.byte)
        except BaseException:
            shard.unlock(row.byte)
            raise
        if again is None:  # taken away in this moment
            raise _locked(identity)
        return again

    async def _staged(self, data: bytes, sharers: int) -> Staged | None:
        """*data* staged for *sharers* shards, if it is large."""
        if len(data) <= self._inline_bytes or not sharers:
            return None
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(self._executor, stage, self._layout.staging, data, sharers)
        try:
            staged = await asyncio.shield(writing)
            self._must_be_open()
        except (asyncio.CancelledError, StoreUnavailable):
            writing.add_done_callback(lambda done: _discard(done, sharers))
            raise
        return staged

    def _must_be_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store has been closed", temporary=True)


async def _keep_interval(shard: Shard, user: str, row: ViewRow, interval: float) -> None:
    """Note the opening, if it does not come too soon. Whatever it raises, it unlocks the view."""
    now = time.time()
    try:
        _refuse_too_soon(user, now, row.opened_at, interval)
        await shard.write(NoteOpening(row.view, now))
    except asyncio.CancelledError:
        _take_back(shard, row, now)
        raise
    except BaseException:
        shard.unlock(row.byte)
        raise


def _refuse_too_soon(user: str, now: float, before: float | None, interval: float) -> None:
    if before is not None and 0 <= now - before < interval:
        raise OpenedTooSoon(
            f"maildrop of {user} was opened {now - before:.0f} seconds ago; "
            f"{interval:g} have to pass"
        )


def _take_back(shard: Shard, row: ViewRow, noted: float) -> None:
    """The note is written all the same; but a sign-in that was broken off was none.

    The lock is kept until the note is gone: whoever had it earlier would be refused for it.
    """
    try:
        restored = shard.writer.submit(NoteOpening(row.view, row.opened_at, instead_of=noted))
    except StoreUnavailable:  # closed meanwhile
        shard.unlock(row.byte)
    else:
        shard.unlock_after(row.byte, restored)


def _each(outcome: list[StoreError | None] | Exception, number: int) -> Sequence[StoreError | None]:
    """The outcome of each recipient, when it may be one for all of them."""
    if isinstance(outcome, list):
        return outcome
    if isinstance(outcome, StoreError):
        return [outcome] * number
    raise outcome


def _discard(writing: asyncio.Future[Staged], sharers: int) -> None:
    """Take back what was staged for a delivery that has been given up."""
    with contextlib.suppress(OSError):
        staged = writing.result()
        for _ in range(sharers):
            staged.done()


def _closed(user: str) -> MaildropLocked:
    return MaildropLocked(
        f"maildrop of {user} is being moved here, or that has been broken off: `pillarbox import` "
        "goes on with it"
    )


def _locked(identity: Identity) -> MaildropLocked:
    user, view = identity
    which = "" if view == DEFAULT_VIEW else f"view {view!r} of the "
    return MaildropLocked(f"{which}maildrop of {user} is in use by another session")
