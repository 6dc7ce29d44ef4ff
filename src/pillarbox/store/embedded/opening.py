"""Opening a maildrop: the lock of its view, and the notes of who was here."""

from __future__ import annotations

import asyncio
import time

from pillarbox.contracts.errors import MaildropLocked, OpenedTooSoon, StoreUnavailable
from pillarbox.model import DEFAULT_VIEW, Identity
from pillarbox.store.embedded.admin import no_such_view
from pillarbox.store.embedded.jobs import MakeMaildrop, NoteOpening
from pillarbox.store.embedded.shards import Shard, ViewRow
from pillarbox.store.embedded.view_jobs import NoteSeen
from pillarbox.store.embedded.views import Holding


async def made_and_locked(shard: Shard, identity: Identity) -> ViewRow:
    """The view, whose lock was not to be had at once: it is made, if it is the default view of a user that has no maildrop
    yet, and taken, if who had it has ended.

    Raises:
        NoSuchView: there is none, and it is not the default one.
        MaildropLocked: somebody else has it.
    """
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
    raise locked(identity)


async def seen(
    shard: Shard, identity: Identity, row: ViewRow, now: float, holding: Holding
) -> ViewRow:
    """Note the opening. Where other views could take away messages of this one until it
    is noted, wait for it, and where they could if there were any, for a while; then its row
    is read again. Whatever it raises, it unlocks the view.
    """
    try:
        if shard.may_lose(row, holding):
            await shard.write(NoteSeen(row.view, now))
        elif holding.needs_note(identity.view) and row.seen_at is None:
            await shard.seen.note_first(row.view, now)
        else:
            shard.seen.note(row.view, now)
            return row
        again = shard.confirmed(identity, row.byte)
    except BaseException:
        shard.unlock(row.byte)
        raise
    if again is None:  # taken away in this moment
        raise locked(identity)
    return again


async def keep_interval(shard: Shard, user: str, row: ViewRow, interval: float) -> None:
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


def closed(user: str) -> MaildropLocked:
    return MaildropLocked(
        f"maildrop of {user} is being moved here, or that has been broken off: `pillarbox import` "
        "goes on with it"
    )


def locked(identity: Identity) -> MaildropLocked:
    user, view = identity
    which = "" if view == DEFAULT_VIEW else f"view {view!r} of the "
    return MaildropLocked(f"{which}maildrop of {user} is in use by another session")
