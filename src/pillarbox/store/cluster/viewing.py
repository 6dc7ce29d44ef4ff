"""Views that come and go."""

from __future__ import annotations

from pillarbox.contracts.errors import ViewExists
from pillarbox.database import Transaction
from pillarbox.model import DEFAULT_VIEW, Identity
from pillarbox.store.cluster.opening import TOKEN, no_such_view
from pillarbox.store.cluster.removing import remove_unwanted
from pillarbox.store.cluster.tables import Tables
from pillarbox.store.cluster.views import Holding

_MAILDROP = """
    INSERT INTO maildrops AS d (name) VALUES ($1)
    ON CONFLICT (name) DO UPDATE SET changes = d.changes + 1
    RETURNING next_seq, messages, octets
"""
"""Made if need be; and written, by which it meets all that take messages away."""
_ADD = f"""
    INSERT INTO views (maildrop, name, token, since, unlisted_messages, unlisted_octets)
    VALUES ($1, $2, {TOKEN}, $3, $4, $5) ON CONFLICT (maildrop, name) DO NOTHING RETURNING name
"""  # noqa: S608 -- our own text
_MEET = """
    WITH met AS (UPDATE maildrops SET changes = changes + 1 WHERE name = $1 RETURNING name)
    UPDATE views SET changes = changes + 1 WHERE maildrop = $1 RETURNING name
"""
_FORGET = "DELETE FROM hidden WHERE maildrop = $1 AND view = $2"
_REMOVE = "DELETE FROM views WHERE maildrop = $1 AND name = $2"
_RESET = f"""
    UPDATE views SET token = greatest(token + 1, {TOKEN}), holder = NULL, opening = NULL, since = 0,
        unlisted_messages = 0, unlisted_octets = 0, seen_at = NULL, opened_at = NULL,
        absent = FALSE, created_at = clock_timestamp()
    WHERE maildrop = $1 AND name = $2
"""  # noqa: S608 -- our own text


async def add_view(tables: Tables, identity: Identity, *, from_now_on: bool) -> None:
    """See :meth:`StoreAdmin.add_view`."""
    user, view = identity

    async def work(transaction: Transaction) -> None:
        if view == DEFAULT_VIEW:  # also where no mail has come yet
            raise ViewExists(f"maildrop of {user} has a view {view!r} already")
        ((next_seq, messages, octets),) = await transaction.fetch(_MAILDROP, user)
        await transaction.fetch(_ADD, user, DEFAULT_VIEW, 0, 0, 0)
        unlisted = (next_seq, messages, octets) if from_now_on else (0, 0, 0)
        if not await transaction.fetch(_ADD, user, view, *unlisted):
            raise ViewExists(f"maildrop of {user} has a view {view!r} already")

    await tables.transaction(work)


async def remove_view(tables: Tables, identity: Identity, holding: Holding) -> None:
    """See :meth:`StoreAdmin.remove_view`. What it has deleted stays marked as such."""
    user, view = identity

    async def work(transaction: Transaction) -> None:
        views = [name for (name,) in await transaction.fetch(_MEET, user)]
        if view not in views:
            if view == DEFAULT_VIEW:  # of a user without mail
                return
            raise no_such_view(identity)
        await transaction.fetch(_FORGET, user, view)
        await transaction.fetch(_RESET if view == DEFAULT_VIEW else _REMOVE, user, view)
        await remove_unwanted(transaction, user, holding)

    await tables.transaction(work)
