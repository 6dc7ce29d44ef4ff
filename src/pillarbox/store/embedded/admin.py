"""What the operator's commands ask of the store. All of it works while servers run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.contracts.store import Finding, MaildropStatus, ViewStatus
from pillarbox.model import DEFAULT_VIEW, MessageInfo
from pillarbox.store.embedded.bodies import abandoned
from pillarbox.store.embedded.check import check_shard, check_staging
from pillarbox.store.embedded.jobs import RemoveMaildrop, Unlock
from pillarbox.store.embedded.shards import Shard

_LISTING = """
    SELECT row_number() OVER (ORDER BY m.seq), m.octets, m.unique_id
    FROM maildrops AS d JOIN messages AS m ON m.maildrop = d.id
    WHERE d.name = ? ORDER BY m.seq
"""


def users(shards: Sequence[Shard]) -> list[str]:
    return sorted(name for shard in shards for (name,) in shard.rows("SELECT name FROM maildrops"))


def status(shard: Shard, user: str) -> MaildropStatus:
    row = shard.find(user)
    if row is None:
        return MaildropStatus(user, 0, 0, (ViewStatus(DEFAULT_VIEW, 0, 0, False, None),))
    process = shard.holder(row.byte)
    view = ViewStatus(
        DEFAULT_VIEW,
        row.messages,
        row.octets,
        locked=process is not None,
        holder=f"process {process}" if process else None,
    )
    return MaildropStatus(user, row.messages, row.octets, (view,))


def listing(shard: Shard, user: str) -> list[MessageInfo]:
    return [MessageInfo._make(row) for row in shard.rows(_LISTING, user)]


async def unlock(shard: Shard, user: str) -> bool:
    row = shard.find(user)
    if row is None or shard.holder(row.byte) is None:
        return False
    await shard.write(Unlock(row.view))
    return True


async def remove(shard: Shard, user: str) -> None:
    if shard.find(user) is not None:
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
