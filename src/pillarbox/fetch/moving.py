"""A mailbox that is at another place now: its server has got another name or port, or its user has.

The journal is the mailbox's, and is found by place and user. What it knows goes along if the mailbox is the same, and
only then: two servers may mean different mail by one unique-id, and mail that is taken for what has been collected
never comes, and is deleted in time. So the listing there has to agree with the journal: unique-ids that are known, of
several messages that are as large as they were. Where it does not, all that is there comes: twice is better than never.

::

    compare    is it the same mailbox? (signs in and lists)
    carry      the journal of the new place knows what the old one did
    (now whoever collects is told of the new place)
    leave      the old one goes

A crash after any step loses nothing: until the last one both journals know all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pillarbox.durable import sync_folder
from pillarbox.fetch.account import Account
from pillarbox.fetch.journal import Journal
from pillarbox.fetch.journal_file import existing, unusable
from pillarbox.fetch.plan import make_plan
from pillarbox.fetch.run import journal_of, look, preview
from pillarbox.fetch.stages import Known, Listed, Stage

_FILES = ("", "-wal", "-shm")
"""What SQLite makes of a name."""
_ENOUGH = 3
"""Messages that look alike before a mailbox counts as the same. Fewer may do so by chance: where unique-ids are counted, the first
mail of every user is the provider's welcome. And so few cost little if they come again."""


class Compared(NamedTuple):
    """What was found at the new place."""

    waiting: int
    """Messages that would be collected there."""
    same: bool
    """It is the mailbox of the journal, which has to go along."""
    strange: bool
    """Messages wait there, and none of those that have been collected is among them."""


async def compare(
    account: Account, before: Path, state: Path, *, clock: Callable[[], float] = time.time
) -> Compared:
    """Sign in to *account*, at its new place, and compare it with the journal at *before*. Changes nothing.

    Raises:
        PillarboxError: as the outcome of a run.
    """
    there = journal_of(account, state)
    if there == before:
        plan = await preview(account, state, clock=clock)
        return Compared(len(plan.retrieve), same=True, strange=False)
    with Journal(existing(before)) as old, Journal(existing(there)) as new:
        listed = await look(account, new)
        names = [message.unique_id for message in listed]
        known, known_there = old.known(names), new.known(names)
        has_any = any(row.stage >= Stage.STORED and not row.vanished for row in known.values())
    agreement, agreement_there = _agreement(listed, known), _agreement(listed, known_there)
    same = agreement >= _ENOUGH and agreement > agreement_there
    plan = make_plan(listed, known if same else known_there, account.rules, clock())
    waiting = len(plan.retrieve)
    strange = has_any and waiting > 0 and not (agreement or agreement_there)
    return Compared(waiting, same=same, strange=strange)


def carry(before: Path, there: Path) -> None:
    """The journal *there* takes over what that at *before* knows; durable on return.

    Raises:
        JournalUnusable: that cannot be done; the journal at *before* is as it was.
    """
    with Journal(before) as old, Journal(there) as new:
        new.take_over(old)


def leave(before: Path, there: Path) -> None:
    """The journal at *before* goes, now that *there* counts. What waited in its spool waits *there*.

    Raises:
        JournalUnusable: it cannot be removed.
    """
    spool, new_spool = before.with_suffix(".spool"), there.with_suffix(".spool")
    try:
        if spool.exists() and not new_spool.exists():
            spool.rename(new_spool)
        for ending in _FILES:
            before.with_name(before.name + ending).unlink(missing_ok=True)
        sync_folder(before.parent)
    except OSError as error:
        raise unusable(error, before) from error


def _agreement(listed: Sequence[Listed], known: dict[str, Known]) -> int:
    """Messages by which a listing shows that it is of the mailbox that is *known*; 0: it is not, or that cannot be told.

    Servers that count their mail from 1 on name some alike; hardly any of those are of one size.
    """
    pairs = [
        (message, known[message.unique_id]) for message in listed if message.unique_id in known
    ]
    alike = sum(
        message.octets is not None and message.octets == row.octets for message, row in pairs
    )
    return alike if 2 * alike > len(pairs) else 0
