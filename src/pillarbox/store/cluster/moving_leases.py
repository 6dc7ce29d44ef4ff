"""Who may touch a maildrop that comes from another store: its views are leased to the move, or to somebody
who never dies, so that it stays closed if the move is broken off.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID, uuid4

from pillarbox.contracts.errors import LockLost, MaildropLocked, StoreUnavailable
from pillarbox.database import Transaction
from pillarbox.model import DEFAULT_VIEW
from pillarbox.store.cluster.moving_reading import standing_of
from pillarbox.store.cluster.opening import TOKEN

CLOSED = "a move that has not ended (`pillarbox import` goes on with it)"
"""What is said of who holds the views of a maildrop that is on its way."""
GIVE_BACK = """
    UPDATE views SET holder = CASE WHEN opening = $2::UUID THEN NULL ELSE holder END,
        opening = CASE WHEN opening = $2::UUID THEN NULL ELSE opening END
    WHERE maildrop = $1
"""
"""All are written in any case: whoever is still leasing them meets that."""
_LIVES = "SELECT 1 FROM processes WHERE id = $1 AND alive_until > clock_timestamp()"
_MAKE = """
    INSERT INTO maildrops AS d (name) VALUES ($1)
    ON CONFLICT (name) DO UPDATE SET changes = d.changes + 1
"""
_MAKE_VIEW = f"""
    INSERT INTO views (maildrop, name, token) VALUES ($1, '{DEFAULT_VIEW}', {TOKEN})
    ON CONFLICT (maildrop, name) DO NOTHING
"""  # noqa: S608 -- our own text
_HELD = """
    SELECT 1 FROM views AS v JOIN processes AS p ON p.id = v.holder
    WHERE v.maildrop = $1 AND p.alive_until > now() AND v.holder IS DISTINCT FROM $2::UUID
"""
_LEASE = "UPDATE views SET holder = $2, opening = $3 WHERE maildrop = $1"
_ARRIVAL = "SELECT complete, hold, mover FROM arrivals WHERE maildrop = $1"
_NEVER_DIES = """
    INSERT INTO processes (id, node, pid, alive_until) VALUES ($1, $2, 0, '9999-12-31 00:00:00+00')
"""
_DIES = "DELETE FROM processes WHERE id = $1"
_CLOSE = """
    INSERT INTO arrivals (maildrop, origin, next_seq, complete, standing, hold, mover)
    VALUES ($1, $2, 0, FALSE, $3, $4, $5) ON CONFLICT (maildrop)
    DO UPDATE SET complete = FALSE, hold = excluded.hold, mover = excluded.mover
"""
_MIRRORS_NO_MORE = "UPDATE arrivals SET standing = '' WHERE maildrop = $1"  # as none ever is
_GO_ON = "UPDATE arrivals SET hold = $2, mover = $3 WHERE maildrop = $1"
_TOUCH = (
    "UPDATE views SET changes = changes + 1 WHERE maildrop = $1 AND opening = $2 RETURNING name"
)
_COUNT = "SELECT count(*) FROM views WHERE maildrop = $1"
MEET = "UPDATE maildrops SET changes = changes + 1 WHERE name = $1 RETURNING next_seq"
_OPEN = "UPDATE arrivals SET complete = TRUE, hold = NULL, mover = NULL WHERE maildrop = $1"
_NOBODY_MOVES = """
    UPDATE arrivals SET mover = NULL
    WHERE maildrop = $1 AND hold = (SELECT holder FROM views
        WHERE maildrop = $1 AND name = $2 AND opening = $3)
"""


class Mine(NamedTuple):
    """What a landing has leased."""

    opening: UUID
    views: int
    """How many: one that is gone would be missed by nobody."""


class LifeIsOver(StoreUnavailable):
    """Our leases have lapsed."""

    def __init__(self) -> None:
        super().__init__("the leases of this process have lapsed", temporary=True)


async def lease(transaction: Transaction, user: str, process: UUID, opening: UUID) -> bool:
    """Lease all views of a maildrop to *process*; False: there is none.

    Raises:
        MaildropLocked: somebody has one of them.
        LifeIsOver.
    """
    if not await transaction.fetch(MEET, user):
        return False
    await _must_live(transaction, process)
    if await transaction.fetch(_HELD, user, None):
        raise MaildropLocked(f"the maildrop of {user} is in use, or is being moved here")
    await transaction.fetch(_LEASE, user, process, opening)
    return True


async def land(
    transaction: Transaction, user: str, process: UUID, opening: UUID
) -> tuple[str, Mine]:
    """Lease the views of a maildrop for a move, made if there is none; how it stood before, and what
    is leased.

    Raises:
        MaildropLocked: somebody has one of them, or somebody else moves it.
        LifeIsOver.
    """
    await _must_live(transaction, process)
    await transaction.fetch(_MAKE, user)
    await transaction.fetch(_MAKE_VIEW, user)
    arrivals = await transaction.fetch(_ARRIVAL, user)
    complete, hold, mover = arrivals[0] if arrivals else (True, None, None)
    if mover is not None and await transaction.fetch(_LIVES, mover):
        raise MaildropLocked(f"the maildrop of {user} is being moved here by another process")
    if await transaction.fetch(_HELD, user, hold):
        raise MaildropLocked(f"the maildrop of {user} is in use")
    standing = await standing_of(transaction, user)
    if complete:
        await transaction.fetch(_LEASE, user, process, opening)
    else:  # it has to stay closed
        await _hold(transaction, user, opening, process, _GO_ON, old=hold)
    ((views,),) = await transaction.fetch(_COUNT, user)
    return standing, Mine(opening, views)


async def close(
    transaction: Transaction,
    user: str,
    mine: Mine,
    mover: UUID | None,
    origin: str,
    *,
    mirrors: bool,
) -> None:
    """Close a maildrop that has been leased; *mirrors*: see :meth:`.Landing.begin`."""
    await must_be_ours(transaction, user, mine)
    if not mirrors:
        await transaction.fetch(_MIRRORS_NO_MORE, user)
    arrivals = await transaction.fetch(_ARRIVAL, user)
    if arrivals and not arrivals[0][0]:
        return  # it is
    standing = await standing_of(transaction, user)
    hold = uuid4()
    await transaction.fetch(_NEVER_DIES, hold, CLOSED)
    await transaction.fetch(_CLOSE, user, origin, standing, hold, mover)
    await transaction.fetch(_LEASE, user, hold, mine.opening)


async def reopen(transaction: Transaction, user: str, mine: Mine) -> None:
    """Open a maildrop that was closed for a move, which is complete."""
    ((_, hold, _),) = await transaction.fetch(_ARRIVAL, user)
    await transaction.fetch(_OPEN, user)
    await transaction.fetch(_DIES, hold)
    await transaction.fetch(GIVE_BACK, user, mine.opening)


async def leave(transaction: Transaction, user: str, opening: UUID) -> None:
    """Give back what is not to stay closed."""
    arrivals = await transaction.fetch(_ARRIVAL, user)
    if arrivals and not arrivals[0][0]:
        await transaction.fetch(_NOBODY_MOVES, user, DEFAULT_VIEW, opening)
    else:
        await transaction.fetch(GIVE_BACK, user, opening)


async def must_be_ours(transaction: Transaction, user: str, mine: Mine) -> None:
    ours = await transaction.fetch(_TOUCH, user, mine.opening)
    ((all_of_them,),) = await transaction.fetch(_COUNT, user)
    if not len(ours) == all_of_them == mine.views:
        raise LockLost(
            f"maildrop of {user}: while it was moved here a view was added, removed or unlocked, or "
            "somebody else went on with it"
        )


async def _must_live(transaction: Transaction, process: UUID) -> None:
    if not await transaction.fetch(_LIVES, process):
        raise LifeIsOver


async def _hold(
    transaction: Transaction,
    user: str,
    opening: UUID,
    mover: UUID | None,
    statement: str,
    *,
    old: UUID | None,
) -> None:
    """Lease the views to somebody new who never dies."""
    hold = uuid4()
    await transaction.fetch(_NEVER_DIES, hold, CLOSED)
    await transaction.fetch(statement, user, hold, mover)
    await transaction.fetch(_LEASE, user, hold, opening)
    if old is not None:
        await transaction.fetch(_DIES, old)
