"""What the operator's commands ask of the store. All of it works while servers run."""

from __future__ import annotations

from typing import Any

from pillarbox.contracts.store import MaildropStatus, ViewStatus
from pillarbox.model import DEFAULT_VIEW, Identity, MessageInfo
from pillarbox.store.cluster.opening import no_such_view
from pillarbox.store.cluster.removing import REMOVE_MAILDROP
from pillarbox.store.cluster.tables import Tables
from pillarbox.store.cluster.views import Holding, holds, listed

_STATUS = f"""
    SELECT d.messages AS in_maildrop, d.octets AS octets_in_maildrop, v.name,
        d.messages - v.unlisted_messages AS count, d.octets - v.unlisted_octets AS octets,
        {holds("$2", "$3")} AS holds, v.created_at, v.seen_at, p.node, p.pid
    FROM maildrops AS d JOIN views AS v ON v.maildrop = d.name
    LEFT JOIN processes AS p ON p.id = v.holder AND p.alive_until > now()
    WHERE d.name = $1
"""  # noqa: S608 -- our own text
_LISTING = f"""
    SELECT m.octets, m.unique_id FROM views AS v JOIN messages AS m ON m.maildrop = v.maildrop
    WHERE v.maildrop = $1 AND v.name = $2 AND {listed()} ORDER BY m.seq
"""  # noqa: S608 -- our own text
_EXISTS = "SELECT 1 FROM views WHERE maildrop = $1 AND name = $2"
_UNLOCK = """
    UPDATE views AS v SET token = v.token + 1, holder = NULL, opening = NULL FROM processes AS p
    WHERE v.maildrop = $1 AND (v.name = $2 OR p.pid = 0) AND p.id = v.holder
        AND p.alive_until > now()
    RETURNING v.token
"""
"""What is closed, as it is being moved here, is opened whole: who never dies has all views."""


async def users(tables: Tables) -> list[str]:
    """See :meth:`StoreAdmin.users`."""
    return sorted(name for (name,) in await tables.ask("SELECT name FROM maildrops"))


async def status(tables: Tables, user: str, holding: Holding) -> MaildropStatus:
    """See :meth:`StoreAdmin.status`."""
    values = holding.default_holds, holding.absent_before
    rows = await tables.ask(_STATUS, user, *values)
    if not rows:
        default = ViewStatus(DEFAULT_VIEW, 0, 0, False, None, holding.default_holds)
        return MaildropStatus(user, 0, 0, (default,))
    views = sorted(map(_view_status, rows), key=lambda view: (view.name != DEFAULT_VIEW, view.name))
    first = rows[0]
    return MaildropStatus(user, first["in_maildrop"], first["octets_in_maildrop"], tuple(views))


def _view_status(row: Any) -> ViewStatus:
    locked, seen_at = row["node"] is not None, row["seen_at"]
    return ViewStatus(
        row["name"],
        row["count"],
        row["octets"],
        locked=locked,
        holder=_holder(row) if locked else None,
        holds=row["holds"],
        created_at=row["created_at"].timestamp(),
        seen_at=None if seen_at is None else seen_at.timestamp(),
    )


def _holder(row: Any) -> str:
    """Who never dies is no process, but a maildrop that is being moved here."""
    return f"node {row['node']}, process {row['pid']}" if row["pid"] else str(row["node"])


async def listing(tables: Tables, identity: Identity) -> list[MessageInfo]:
    """See :meth:`StoreAdmin.listing`."""
    rows = await tables.ask(_LISTING, *identity)
    if not rows:
        await _must_exist(tables, identity)
    return [MessageInfo(number, *row) for number, row in enumerate(rows, 1)]


async def unlock(tables: Tables, identity: Identity) -> bool:
    """See :meth:`StoreAdmin.unlock`."""
    unlocked = bool(await tables.change(_UNLOCK, *identity))
    if not unlocked:
        await _must_exist(tables, identity)
    return unlocked


async def remove(tables: Tables, user: str) -> None:
    """See :meth:`StoreAdmin.remove`."""
    await tables.change(REMOVE_MAILDROP, user)


async def _must_exist(tables: Tables, identity: Identity) -> None:
    """See to it that the view is there, or will be as soon as it is opened.

    Raises:
        NoSuchView: it is not.
    """
    if identity.view != DEFAULT_VIEW and not await tables.ask(_EXISTS, *identity):
        raise no_such_view(identity)
