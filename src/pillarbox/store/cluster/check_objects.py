"""Faults between the database and the object store: references that count wrong, objects that are
missing or have another size, and objects of nobody.

The two move on between one look and the next: what seems wrong is looked at once more, by its
identifier. Whatever is wrong then is wrong: an object is there before any message has it, and goes
when its row is doomed, so that none will. (An object that nobody refers to, but that has a row, is no fault: the collector's
turn will come.)

Repair moves an object that is in the way to ``lost/``, under the same prefix, where nobody looks for it.
An object that is *missing* is not easily believed to be gone: the place may be the wrong one, or not all
back yet from a backup. Its messages stay on their lists, unless their user has been named. What is
taken off a list is noted in the table ``lost``, and that note counts as a reference:
should the object turn up, the collector leaves it alone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from functools import partial
from typing import NamedTuple
from uuid import UUID

from pillarbox.contracts.store import Finding
from pillarbox.database import Transaction
from pillarbox.store.cluster.objects import Objects
from pillarbox.store.cluster.owner import problem_of
from pillarbox.store.cluster.removing import remove_that
from pillarbox.store.cluster.tables import Rows, Tables

PAGE = 1000
"""Identifiers that are looked at together."""
_FIRST = UUID(int=0)

_IDENTIFIERS = f"""
    (SELECT id FROM objects WHERE id > $1 ORDER BY id LIMIT {PAGE})
    UNION (SELECT DISTINCT object FROM messages WHERE object > $1 ORDER BY object LIMIT {PAGE})
    ORDER BY 1 LIMIT {PAGE}
"""  # noqa: S608 -- our own text
_OF_USER = """
    SELECT DISTINCT object FROM messages WHERE maildrop = $1 AND object IS NOT NULL ORDER BY object
"""
_KNOWN = """
    SELECT i.id, o.id IS NOT NULL AS announced, coalesce(o.refs, 0) AS refs, count(m.seq) AS listed,
        (SELECT count(*) FROM lost AS l WHERE l.object = i.id) AS noted, min(m.stored) AS least, max(m.stored) AS most
    FROM unnest($1::UUID[]) AS i (id)
    LEFT JOIN objects AS o ON o.id = i.id LEFT JOIN messages AS m ON m.object = i.id
    GROUP BY i.id, o.id, o.refs ORDER BY i.id
"""
_COUNT = """
    INSERT INTO objects AS o (id, refs)
    SELECT $1::UUID, (SELECT count(*) FROM messages WHERE object = $1::UUID)
        + (SELECT count(*) FROM lost WHERE object = $1::UUID)
    ON CONFLICT (id) DO UPDATE SET refs = excluded.refs, doomed_at = NULL,
        touched_at = clock_timestamp()
"""
_MESSAGES = """
    SELECT maildrop, unique_id, octets, stored FROM messages WHERE object = $1 ORDER BY maildrop, seq
"""
_NOTE = """
    WITH noted AS (
        INSERT INTO lost (id, maildrop, unique_id, data, object, octets, received_at)
        SELECT gen_random_uuid(), maildrop, unique_id, '', object, octets, received_at
        FROM messages WHERE maildrop = $1 AND object = $2::UUID AND stored = $3::BIGINT RETURNING object
    )
    UPDATE objects AS o SET refs = o.refs + (SELECT count(*) FROM noted) WHERE o.id = $2::UUID
"""
"""The note, which refers to the object from now on; the message itself goes afterwards."""
_SOME = "SELECT object FROM messages WHERE object IS NOT NULL ORDER BY object LIMIT 1"
_REFERRING = """
    SELECT (SELECT count(*) FROM messages WHERE object IS NOT NULL),
        EXISTS (SELECT 1 FROM messages WHERE object = $1)
"""


class Known(NamedTuple):
    """What the database knows of an object."""

    identifier: UUID
    announced: bool
    refs: int
    listed: int
    """Messages that have it."""
    noted: int
    """Messages that had it, and that repair has taken off their lists."""
    least: int | None
    most: int | None
    """Stored bytes, as these messages say."""

    def is_damage(self, size: int | None) -> bool:
        """Whether an object of *size* (None: none) is not what the messages want."""
        return bool(self.listed) and not size == self.least == self.most

    def is_nobodys(self, size: int | None) -> bool:
        """Whether there is one that the database knows nothing of."""
        return size is not None and not self.announced and not self.listed


async def check_references(
    tables: Tables, user: str | None, *, repair: bool
) -> AsyncGenerator[Finding, None]:
    """Objects whose row does not say how many messages have them."""
    async for identifiers in _pages(tables, user):
        for known in await _known(tables, identifiers):
            if known.refs == known.listed + known.noted:
                continue
            if repair:
                await tables.change(_COUNT, known.identifier)
            text = (
                f"object {known.identifier} says that {known.refs} messages have it, "
                f"{known.listed} list it"
            )
            yield Finding(None, text, repaired=repair)


async def check_objects(
    tables: Tables, objects: Objects | None, user: str | None, *, repair: bool
) -> AsyncGenerator[Finding, None]:
    """Objects that are not there, not as large as they should be, or of nobody."""
    problem = await _wrong_place(tables, objects)
    if problem is not None:
        yield Finding(None, problem, repaired=False)
    if problem is not None or objects is None:
        return
    sizes = _merged(tables, objects) if user is None else _sizes_of(tables, objects, user)
    async with aclosing(sizes):
        async for page in sizes:
            for known in await _known(tables, page):
                size = page[known.identifier]
                if known.is_damage(size) or known.is_nobodys(size):
                    async for finding in _confirmed(
                        tables, objects, known.identifier, user, repair=repair
                    ):
                        yield finding


async def _wrong_place(tables: Tables, objects: Objects | None) -> str | None:
    """What to say if it is the wrong object store, or can only be: nothing is touched then."""
    if objects is not None and (problem := await problem_of(tables, objects)) is not None:
        return problem
    some = _identifiers(await tables.ask(_SOME))
    if not some:
        return None
    if objects is not None:
        async with aclosing(objects.all()) as listed:
            if await anext(listed, None) is not None:
                return None
    ((messages, still),) = await tables.ask(_REFERRING, some[0])
    if not still:  # the last large message of all has gone meanwhile
        return None
    what = f"{messages} messages have their bodies in an object store"
    if objects is None:
        return f"{what}, and none is configured"
    return f"{what}, and {objects.name} has no body at all: it is another one, or was emptied"


async def _confirmed(
    tables: Tables, objects: Objects, identifier: UUID, user: str | None, *, repair: bool
) -> AsyncGenerator[Finding, None]:
    """What is still wrong with one object, after another look."""
    (known,) = await _known(tables, [identifier])
    size = await objects.size_of(identifier)
    if known.is_nobodys(size):
        text = f"object {identifier} of {objects.name} belongs to no message"
        if repair:
            text += f"; it has been moved to {await objects.set_aside(identifier)}"
        yield Finding(None, text, repaired=repair)
    elif known.is_damage(size):
        messages = await tables.ask(_MESSAGES, identifier)
        damaged = [row for row in messages if row["stored"] != size]
        note = "; the message has been taken off the list"
        if repair and size is not None and len(damaged) == len(messages):
            aside = await objects.set_aside(identifier)
            note = f"{note}; what is left of it is in {aside}"
        for owner, unique_id, octets, stored in damaged:
            mends = repair and (size is not None or owner == user)
            if mends:
                await tables.transaction(partial(_take_off_the_list, owner, identifier, stored))
            why = "is missing" if size is None else f"has {size} bytes instead of {stored}"
            what = f"message {unique_id} of {octets} octets: its object {identifier} {why}"
            if repair and not mends:
                what = f"{what}: bring it back, or name the user to have it taken off the list"
            if mends or user in {None, owner}:
                yield Finding(owner, what + note if mends else what, repaired=mends)


async def _take_off_the_list(
    user: str, identifier: UUID, stored: int, transaction: Transaction
) -> None:
    await transaction.fetch(_NOTE, user, identifier, stored)
    condition = "m.object = $2::UUID AND m.stored = $3::BIGINT"
    await remove_that(transaction, user, condition, identifier, stored)


async def _known(tables: Tables, identifiers: Iterable[UUID]) -> list[Known]:
    return [Known(*row) for row in await tables.ask(_KNOWN, list(identifiers))]


async def _pages(tables: Tables, user: str | None) -> AsyncGenerator[list[UUID], None]:
    """The identifiers of all objects that the database knows, or of one user's messages; in order."""
    if user is not None:
        yield _identifiers(await tables.ask(_OF_USER, user))
        return
    last = _FIRST
    while page := _identifiers(await tables.ask(_IDENTIFIERS, last)):
        yield page
        last = page[-1]


def _identifiers(rows: Rows) -> list[UUID]:
    return [identifier for (identifier,) in rows]


async def _sizes_of(
    tables: Tables, objects: Objects, user: str
) -> AsyncGenerator[dict[UUID, int | None], None]:
    """The sizes of a user's objects, by identifier; None: it is not there."""
    async for page in _pages(tables, user):
        yield {identifier: await objects.size_of(identifier) for identifier in page}


async def _merged(tables: Tables, objects: Objects) -> AsyncGenerator[dict[UUID, int | None], None]:
    """The same of all that the database knows, and of all that there are; some at a time, since both come in
    order.
    """
    others: dict[UUID, int | None] = {}
    async with aclosing(objects.all()) as listed, aclosing(_pages(tables, None)) as pages:
        entry = await anext(listed, None)
        async for identifiers in pages:
            page: dict[UUID, int | None] = dict.fromkeys(identifiers)
            while entry is not None and entry.identifier <= identifiers[-1]:
                (page if entry.identifier in page else others)[entry.identifier] = entry.size
                if len(others) == PAGE:
                    yield others
                    others = {}
                entry = await anext(listed, None)
            yield page
        while entry is not None:
            others[entry.identifier] = entry.size
            if len(others) == PAGE:
                yield others
                others = {}
            entry = await anext(listed, None)
    yield others
