"""``pillarbox maildrop show USER``: what is in it, for whom, and who holds its locks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, NamedTuple

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import must_be_known
from pillarbox.app.cli.moments import moment
from pillarbox.app.cli.options import AsJson, User, View, view_named
from pillarbox.app.cli.output import show_columns, show_json
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.texts import counted
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.names import normalise
from pillarbox.contracts.store import MaildropStatus, ViewStatus, Waiting
from pillarbox.model import DEFAULT_VIEW

PAGE = 100
"""Messages that are shown unless more are asked for: a few screens. There may be very many."""


class _Seen(NamedTuple):
    """A maildrop, and the number of each message in one view."""

    status: MaildropStatus
    waiting: Sequence[Waiting]
    numbers: dict[str, int]
    """By unique-id; what the view does not list is not in it."""


def show(
    context: typer.Context,
    user: User,
    *,
    device: View = DEFAULT_VIEW,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", min=0, metavar="N", help="Show so many messages at most; 0: all."
        ),
    ] = PAGE,
    as_json: AsJson = False,
) -> None:
    """Show what is in a maildrop, for whom, and who holds its locks.

    Takes no lock itself: the numbers are those that a session opened now would have (of the
    view that --device names). A message is there until the last that waits for it is gone from
    its line, or retention takes it.
    """
    config = configuration(context)
    user, view = normalise(user), view_named(device)
    with accounts_of(config) as accounts:
        seen = asyncio.run(_look(config, accounts, user, view))
    if as_json:
        messages = [_as_json(seen, message) for message in seen.waiting]
        show_json({"maildrop": _status_as_json(seen.status), "messages": messages})
        return
    _show_status(seen.status)
    if seen.waiting:
        _show_messages(seen, limit or len(seen.waiting))


async def _look(config: Config, accounts: Accounts, user: str, view: str) -> _Seen:
    async with store_of(config, look=True) as store:
        status = await store.status(user)
        if not status.count and len(status.views) < 2:  # noqa: PLR2004 - default alone
            await must_be_known(config, accounts, user)  # a slip of the pen is no empty maildrop
        waiting = await store.waiting(user)
        listing = await store.listing(user, view)
    return _Seen(status, waiting, {message.unique_id: message.number for message in listing})


def _show_status(status: MaildropStatus) -> None:
    typer.echo(
        f"{status.user}: {counted(status.count, 'message')}, {counted(status.octets, 'octet')}"
    )
    for view in status.views:
        # Where nobody else deletes anything there is nothing to hold back.
        holds = "" if view.holds or len(status.views) == 1 else ", holds none back"
        typer.echo(f"view {view.name}: {counted(view.count, 'message')}{holds}, {_lock(view)}")


def _show_messages(seen: _Seen, limit: int) -> None:
    several = len(seen.status.views) > 1
    typer.echo("")
    show_columns(
        ("NUMBER", "OCTETS", "UNIQUE-ID", "RECEIVED", *(("WAITS FOR",) if several else ())),
        [
            (
                seen.numbers.get(message.unique_id, "-"),
                message.octets,
                message.unique_id,
                moment(message.received_at),
                *((", ".join(message.held_by) or "-",) if several else ()),
            )
            for message in seen.waiting[:limit]
        ],
    )
    if len(seen.waiting) > limit:
        typer.echo(f"\nand {len(seen.waiting) - limit} more: --limit 0 shows all")


def _status_as_json(status: MaildropStatus) -> dict[str, object]:
    views = [
        {**asdict(view), "created_at": moment(view.created_at), "seen_at": moment(view.seen_at)}
        for view in status.views
    ]
    return {**asdict(status), "views": views}


def _as_json(seen: _Seen, message: Waiting) -> dict[str, object]:
    return {
        "number": seen.numbers.get(message.unique_id),
        "octets": message.octets,
        "unique_id": message.unique_id,
        "received_at": moment(message.received_at),
        "listed_by": message.listed_by,
        "held_by": message.held_by,
    }


def _lock(view: ViewStatus) -> str:
    if not view.locked:
        return "not locked"
    return f"locked by {view.holder}" if view.holder else "locked"
