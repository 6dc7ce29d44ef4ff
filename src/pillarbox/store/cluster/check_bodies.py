"""Faults of bodies in the database: missing, cut short, changed, or of no message.

Repair takes a message off the list only when its body is not whole, and keeps what is left of it in
the table ``lost``. A body that is whole in length but has other octets than were delivered stays
where it is: nothing but a backup can bring them back, and most of it can still be read.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

from pillarbox.contracts.errors import BodyDamaged, StoreUnavailable
from pillarbox.contracts.store import Finding
from pillarbox.database import Transaction
from pillarbox.store.cluster.check_faults import Fault, Fetch, Where
from pillarbox.store.cluster.objects import Objects
from pillarbox.store.cluster.removing import remove_that
from pillarbox.store.cluster.tables import Tables

_KEEP = """
    INSERT INTO lost (id, maildrop, unique_id, data)
    SELECT gen_random_uuid(), m.maildrop, m.unique_id, coalesce(b.data, '') FROM messages AS m
    LEFT JOIN bodies AS b ON b.maildrop = m.maildrop AND b.seq = m.seq
    WHERE m.maildrop = $1 AND m.seq = $2 RETURNING id, length(data)
"""
"""A note also where nothing is left: it tells what was lost from what was deleted."""
_KEEP_NOBODYS = """
    WITH gone AS (
        DELETE FROM bodies AS b WHERE b.maildrop = $1 AND NOT EXISTS (
            SELECT 1 FROM messages AS m WHERE m.maildrop = b.maildrop AND m.seq = b.seq)
        RETURNING b.maildrop, b.data
    )
    INSERT INTO lost (id, maildrop, data) SELECT gen_random_uuid(), maildrop, data FROM gone
"""
_LIST = "SELECT seq FROM messages WHERE maildrop = $1 ORDER BY seq"
_READ = """
    SELECT m.unique_id, m.octets, m.stored, m.checksum, m.object, b.data
    FROM messages AS m LEFT JOIN bodies AS b ON b.maildrop = m.maildrop AND b.seq = m.seq
    WHERE m.maildrop = $1 AND m.seq = $2
"""


async def damaged_bodies(fetch: Fetch, where: Where) -> list[Fault]:
    """Listed messages whose body is not in the database, or not as long as it should be."""
    query = f"""
        SELECT m.maildrop, m.seq, m.unique_id, m.octets, m.stored, length(b.data) AS found
        FROM messages AS m LEFT JOIN bodies AS b ON b.maildrop = m.maildrop AND b.seq = m.seq
        WHERE m.object IS NULL AND (b.seq IS NULL OR length(b.data) <> m.stored)
            AND {where.has("m.maildrop")} ORDER BY m.maildrop, m.seq
    """  # noqa: S608 -- our own text
    faults = []
    for user, seq, unique_id, octets, stored, found in await fetch(query, *where.values):
        why = "is missing" if found is None else f"has {found} bytes instead of {stored}"
        text = f"message {unique_id} of {octets} octets: its body in the database {why}"
        faults.append(Fault(user, text, partial(_take_off_the_list, user, seq)))
    return faults


async def bodies_of_nobody(fetch: Fetch, where: Where) -> list[Fault]:
    """Bodies without a message: which one it was, nobody knows."""
    query = f"""
        SELECT b.maildrop, count(*) FROM bodies AS b
        LEFT JOIN messages AS m ON m.maildrop = b.maildrop AND m.seq = b.seq
        WHERE m.seq IS NULL AND {where.has("b.maildrop")} GROUP BY b.maildrop
    """  # noqa: S608 -- our own text
    return [
        Fault(user, f"{count} bodies belong to no message", partial(_keep_nobodys, user))
        for user, count in await fetch(query, *where.values)
    ]


async def changed_bodies(
    tables: Tables, objects: Objects | None, user: str
) -> AsyncIterator[Finding]:
    """The bodies of one maildrop that do not have the checksum that they were stored with. Reads all of
    them, one after the other; those that are missing or cut short are other faults.
    """
    for (seq,) in await tables.ask(_LIST, user):
        for unique_id, octets, stored, checksum, body, data in await tables.ask(_READ, user, seq):
            found = await _summed(objects, body, stored, data)
            if found not in {None, checksum}:
                yield Finding(
                    user,
                    f"message {unique_id} of {octets} octets: its body has other octets than were "
                    f"delivered (checksum {found:08x} instead of {checksum:08x}); restore it from "
                    "a backup, repair leaves it as it is",
                    repaired=False,
                )


async def _summed(
    objects: Objects | None, body: UUID | None, stored: int, data: bytes | None
) -> int | None:
    """The checksum of a body; None: it cannot be read, or not as a whole."""
    if body is None:
        return None if data is None or len(data) != stored else zlib.crc32(data)
    if objects is None:
        return None
    checksum = 0
    try:
        async for piece in await objects.open(body, stored):
            checksum = zlib.crc32(piece, checksum)
    except (BodyDamaged, StoreUnavailable):
        return None
    return checksum


async def _take_off_the_list(user: str, seq: int, transaction: Transaction) -> str:
    ((kept, size),) = await transaction.fetch(_KEEP, user, seq)
    await remove_that(transaction, user, "m.seq = $2::BIGINT", seq)
    left = f"what is left of it is in the table lost ({kept})" if size else "nothing is left of it"
    return f"the message has been taken off the list; {left}"


async def _keep_nobodys(user: str, transaction: Transaction) -> str:
    await transaction.fetch(_KEEP_NOBODYS, user)
    return "they have been moved to the table lost"
