"""What the operator's commands ask of the store. All of it works while servers run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pillarbox.contracts.errors import NoSuchView, StoreUnavailable, ViewExists
from pillarbox.contracts.store import Finding, MaildropStatus, ViewStatus
from pillarbox.model import DEFAULT_VIEW, Identity, MessageInfo
from pillarbox.store.embedded.bodies import abandoned
from pillarbox.store.embedded.check import check_shard, check_staging
from pillarbox.store.embedded.jobs import RemoveMaildrop, Unlock
from pillarbox.store.embedded.locks import byte_of
from pillarbox.store.embedded.shards import Shard, ViewRow
from pillarbox.store.embedded.view_jobs import AddView, NoteSeen, RemoveView
from pillarbox.store.embedded.views import HOLDS, LISTED, Holding

_LISTING = f"""
    SELECT row_number() OVER (ORDER BY m.seq), m.octets, m.unique_id
    FROM maildrops AS d JOIN views AS v ON v.maildrop = d.id
    JOIN messages AS m ON m.maildrop = d.id
    WHERE d.name = ? AND v.name = ? AND {LISTED} ORDER BY m.seq
"""  # noqa: S608 - our own text
_STATUS = f"""
    SELECT d.messages, d.octets, v.id, v.epoch, v.name, v.messages, v.octets, {HOLDS},
        v.created_at, v.seen_at,
        EXISTS (SELECT 1 FROM arrivals WHERE maildrop = d.id AND NOT complete)
    FROM maildrops AS d JOIN views AS v ON v.maildrop = d.id WHERE d.name = :user
    ORDER BY v.name <> '{DEFAULT_VIEW}', v.name
"""  # noqa: S608 - our own text

_CLOSED = "a move that has not ended (`pillarbox import` goes on with it)"


def users(shards: Sequence[Shard]) -> list[str]:
    return sorted(name for shard in shards for (name,) in shard.rows("SELECT name FROM maildrops"))


class _View(NamedTuple):
    """A row of the status."""

    in_maildrop: int
    octets_in_maildrop: int
    view: int
    epoch: int
    name: str
    messages: int
    octets: int
    holds: int
    created_at: float | None
    seen_at: float | None
    closed: int = 0


def status(shard: Shard, user: str, holding: Holding) -> MaildropStatus:
    rows = [_View._make(row) for row in shard.rows_by_name(_STATUS, holding.parameters(user=user))]
    if not rows:
        rows = [_View(0, 0, 0, 0, DEFAULT_VIEW, 0, 0, holding.default_holds, None, None)]
    views = tuple(_view_status(shard, row) for row in rows)
    return MaildropStatus(user, rows[0].in_maildrop, rows[0].octets_in_maildrop, views)


def _view_status(shard: Shard, row: _View) -> ViewStatus:
    process = shard.holder(byte_of(row.view, row.epoch))
    return ViewStatus(
        row.name,
        row.messages,
        row.octets,
        locked=process is not None or bool(row.closed),
        holder=f"process {process}" if process else _CLOSED if row.closed else None,
        holds=bool(row.holds) or shard.seen.are_pending_for(row.view),
        created_at=row.created_at,
        seen_at=row.seen_at,
    )


def listing(shard: Shard, identity: Identity) -> list[MessageInfo]:
    rows = shard.rows(_LISTING, *identity)
    if not rows:
        _must_exist(shard, identity)
    return [MessageInfo._make(row) for row in rows]


async def unlock(shard: Shard, identity: Identity) -> bool:
    row = _must_exist(shard, identity)
    if row is None or not (row.closed or shard.holder(row.byte) is not None):
        return False
    await shard.write(Unlock(row.view))
    return True


async def add_view(shard: Shard, identity: Identity, *, from_now_on: bool) -> None:
    user, view = identity
    if view == DEFAULT_VIEW:  # also where no mail has come yet
        raise ViewExists(f"maildrop of {user} has a view {view!r} already")
    await shard.write(AddView(user, view, from_now_on=from_now_on))
    # A session that had begun before, alone, has not waited until it was noted that its view
    # holds mail back; from now on that counts.
    default = shard.find(Identity(user))
    if default is not None and shard.holder(default.byte) is not None:
        await shard.write(NoteSeen(default.view, time.time()))


async def remove_view(shard: Shard, identity: Identity, holding: Holding) -> None:
    if _must_exist(shard, identity) is not None:
        await shard.write(RemoveView(*identity, holding))


def no_such_view(identity: Identity) -> NoSuchView:
    return NoSuchView(f"maildrop of {identity.user} has no view {identity.view!r}")


def _must_exist(shard: Shard, identity: Identity) -> ViewRow | None:
    """The view; None: it is that of a maildrop which has not been made yet.

    Raises:
        NoSuchView: there is none, and nobody will make it by opening it.
    """
    row = shard.find(identity)
    if row is None and identity.view != DEFAULT_VIEW:
        raise no_such_view(identity)
    return row


async def remove(shard: Shard, user: str) -> None:
    if shard.rows("SELECT 1 FROM maildrops WHERE name = ?", user):
        await shard.write(RemoveMaildrop(user))


async def check(
    shards: Sequence[Shard], staging: Path, user: str | None, *, repair: bool
) -> list[Finding]:
    if not all(shard.exists for shard in shards):
        return []
    return await asyncio.to_thread(_check, shards, staging, user, repair=repair)


def _check(
    shards: Sequence[Shard], staging: Path, user: str | None, *, repair: bool
) -> list[Finding]:
    findings: list[Finding] = []
    # Listed first: a delivery that dies later may have linked its file behind our back.
    staged = abandoned(staging)
    try:
        for shard in shards:
            for finding in check_shard(
                shard.index, shard.turns, shard.bodies, staging, user, repair=repair
            ):
                findings.append(finding)  # noqa: PERF402 - kept if the next one is not to be had
    except StoreUnavailable as error:
        if not findings:
            raise
        # What has been mended must be told, as it is not found again.
        return [*findings, Finding(None, f"the check ends here: {error}", repaired=False)]
    if user is None:
        sound = all(finding.repaired for finding in findings)
        findings += check_staging(staging, staged, repair=repair and sound)
    return findings
