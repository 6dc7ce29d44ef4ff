"""Whose the object store's place is.

Who removes what his database does not know of, or does not want any more, has to be sure that the two
belong together: with the prefix of another cluster, or with a copy of the database beside the
original, it would be somebody's mail. So the object ``owner`` names the cluster, whose
identity is a row of its database, and a turn that both count together.

The database counts first, and is read last: so its turn is never lower than the mark's, unless it is an older
copy, or was put back from a backup.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.store.cluster.objects import Objects
from pillarbox.store.cluster.tables import Tables

TURN_SECONDS = 3600.0
"""A copy of the database is found out if it is older than that."""

_OURS = "SELECT id, turn FROM cluster_identity"
_NEXT = """
    UPDATE cluster_identity SET turn = turn + 1, turned_at = clock_timestamp()
    WHERE turn = 0 OR turned_at <= now() - $1::FLOAT8 * INTERVAL '1 second' RETURNING id, turn
"""
_AFTER = """
    INSERT INTO cluster_identity AS ours (turn) VALUES ($1::BIGINT + 1)
    ON CONFLICT (one) DO UPDATE SET turn = greatest(ours.turn, $1::BIGINT) + 1,
        turned_at = clock_timestamp() RETURNING id, turn
"""
"""Made if need be: a restore may have left it out."""


class Mark(NamedTuple):
    """What is said of it, there and in the database."""

    cluster: UUID
    turn: int
    """0 in the database: it has marked no place yet."""

    @property
    def text(self) -> bytes:
        """As it is written there."""
        return f"{self.cluster} {self.turn}\r\n".encode()


_STRANGE = Mark(UUID(int=0), 0)


class NotOurs(StoreUnavailable):
    """Nothing may be removed there."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem, temporary=True)


async def problem_of(tables: Tables, objects: Objects) -> str | None:
    """Why nothing may be removed there; None: it is ours, or nobody's.

    Raises:
        StoreUnavailable: one of the two cannot be asked.
    """
    there = await _mark_of(objects)
    return _problem(objects.name, there, await _ours(tables))


async def must_be_ours(tables: Tables, objects: Objects) -> None:
    """See to it that bodies may be removed there.

    Raises:
        NotOurs: they may not.
        StoreUnavailable: one of the two cannot be asked.
    """
    problem = await problem_of(tables, objects)
    if problem is not None:
        raise NotOurs(problem)


async def take_turn(tables: Tables, objects: Objects) -> None:
    """The same; a place that is nobody's is marked, and one that is ours now and then again.

    Raises:
        NotOurs, StoreUnavailable: as above.
    """
    there = await _mark_of(objects)
    ours = await _ours(tables)
    problem = _problem(objects.name, there, ours)
    if problem is not None:
        raise NotOurs(problem)
    if there is None:  # before the database counts: who dies between the two must not lock all out
        await objects.mark(Mark(ours.cluster, 0).text)
    for row in await tables.change(_NEXT, TURN_SECONDS):
        await objects.mark(Mark(*row).text)


async def adopt(tables: Tables, objects: Objects) -> None:
    """From now on it is this database's, whosever it was: an operator says so.

    Raises:
        StoreUnavailable: one of the two cannot be asked.
    """
    there = await _mark_of(objects)
    (row,) = await tables.change(_AFTER, there.turn if there is not None else 0)
    await objects.mark(Mark(*row).text)


async def _ours(tables: Tables) -> Mark:
    for row in await tables.ask(_OURS):  # one at the most, by its key
        return Mark(*row)
    raise NotOurs(
        f"database {tables.name} does not say which cluster it is (cluster_identity is empty): no bodies are "
        "removed. If nobody else uses its object store, run `pillarbox cluster adopt`"
    )


async def _mark_of(objects: Objects) -> Mark | None:
    text = await objects.owner()
    if text is None:
        return None
    try:
        cluster, turn = text.decode("ascii").split()
        return Mark(UUID(cluster), int(turn))
    except ValueError:
        return _STRANGE


def _problem(name: str, there: Mark | None, ours: Mark) -> str | None:
    if there is None:
        if not ours.turn:
            return None
        what = "has no mark (an object `owner`), and that of this cluster has: it is another place"
    elif there is _STRANGE:
        what = "has an object `owner` that is no mark of a cluster"
    elif there.cluster != ours.cluster:
        what = f"belongs to another cluster, {there.cluster} (this one is {ours.cluster})"
    elif there.turn > ours.turn:
        what = "is newer than this database, which is a copy or was put back from a backup"
    else:
        return None
    return (
        f"{name} {what}: no bodies are removed there. If it is the right one, and nobody else uses it, "
        "say so with `pillarbox cluster adopt`"
    )
