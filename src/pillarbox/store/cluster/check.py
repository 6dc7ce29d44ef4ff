"""``maildrop check``: do lists, counters, bodies and objects agree?

Each kind of disagreement between tables is a function (in ``check_lists`` and ``check_bodies``) that finds faults,
each with the way to mend it, by one statement, hence at one moment: deliveries and sessions go on meanwhile,
and are not mistaken for faults. Repair looks again in the transaction that mends. How it is between the
tables and the object store is told in ``check_objects``.

The kinds come in an order in which each finds what the one before has left, and no counter is wrong any
more when messages are taken away. The sizes of all bodies are compared. To read them all, and compare them with their
checksums, would take days where it is needed least; those of one maildrop are read.

Without repair nothing is changed. Repair never removes a message whose body is whole, and destroys
nothing: what it has to take away is kept.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from pillarbox.contracts.store import Finding
from pillarbox.database import Transaction
from pillarbox.store.cluster.check_bodies import bodies_of_nobody, changed_bodies, damaged_bodies
from pillarbox.store.cluster.check_faults import Kind, Where, pages
from pillarbox.store.cluster.check_lists import (
    forgotten_messages,
    lost_maildrops,
    marks_of_nothing,
    missing_views,
    unseen_messages,
    views_of_nobody,
    wrong_counters,
)
from pillarbox.store.cluster.check_objects import check_objects, check_references
from pillarbox.store.cluster.objects import Objects
from pillarbox.store.cluster.tables import Tables

_KINDS: tuple[Kind, ...] = (
    lost_maildrops,
    views_of_nobody,
    missing_views,
    marks_of_nothing,
    unseen_messages,
    wrong_counters,
    forgotten_messages,
    damaged_bodies,
    bodies_of_nobody,
)


async def check(
    tables: Tables, objects: Objects | None, user: str | None, *, repair: bool
) -> list[Finding]:
    """All findings in one maildrop, or in all of them and between the two stores.

    Args:
        tables: the database.
        objects: the object store; None: there is none.
        user: whose maildrop; None: all.
        repair: mend what can be mended.

    Raises:
        StoreUnavailable: one of the two cannot be asked now. What was mended by then is.
    """
    found = [finding async for finding in check_references(tables, user, repair=repair)]
    if user is not None:
        found += [finding async for finding in _check_lists(tables, Where.of(user), repair=repair)]
        found += [finding async for finding in changed_bodies(tables, objects, user)]
    else:
        async with aclosing(pages(tables)) as all_pages:
            async for where in all_pages:
                found += [finding async for finding in _check_lists(tables, where, repair=repair)]
    between = check_objects(tables, objects, user, repair=repair)
    return found + [finding async for finding in between]


async def _check_lists(
    tables: Tables, where: Where, *, repair: bool
) -> AsyncGenerator[Finding, None]:
    for kind in _KINDS:
        faults = await kind(tables.ask, where)
        if not repair:
            for fault in faults:
                yield Finding(fault.maildrop, fault.text, repaired=False)
            continue
        for user in dict.fromkeys(fault.maildrop for fault in faults):
            for finding in await _mend(tables, kind, user):
                yield finding


async def _mend(tables: Tables, kind: Kind, user: str) -> list[Finding]:
    """Look again, and mend, in one transaction."""

    async def work(transaction: Transaction) -> list[Finding]:
        findings = []
        for fault in await kind(transaction.fetch, Where.of(user)):
            note = await fault.mend(transaction)
            text = f"{fault.text}; {note}" if note else fault.text
            findings.append(Finding(user, text, repaired=True))
        return findings

    return await tables.transaction(work)
