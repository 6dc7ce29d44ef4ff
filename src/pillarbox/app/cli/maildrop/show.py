"""``pillarbox maildrop show USER``: what is in it, and who holds its lock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.options import AsJson, User
from pillarbox.app.cli.output import show_columns, show_json
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.texts import counted
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.names import normalise
from pillarbox.contracts.store import MaildropStatus, ViewStatus
from pillarbox.model import MessageInfo


def show(context: typer.Context, user: User, *, as_json: AsJson = False) -> None:
    """Show what is in a maildrop and who holds its lock.

    Takes no lock itself: the numbers are those that a session opened now would have.
    """
    config = configuration(context)
    with accounts_of(config) as accounts:
        status, messages = asyncio.run(_look(config, accounts, normalise(user)))
    if as_json:
        show_json({"maildrop": status, "messages": [message._asdict() for message in messages]})
        return
    _show_status(status)
    if messages:
        typer.echo("")
        rows = [(message.number, message.octets, message.unique_id) for message in messages]
        show_columns(("NUMBER", "OCTETS", "UNIQUE-ID"), rows)


async def _look(
    config: Config, accounts: Accounts, user: str
) -> tuple[MaildropStatus, Sequence[MessageInfo]]:
    async with store_of(config, look=True) as store:
        status = await store.status(user)
        if not status.count:
            accounts.get(user)  # a slip of the pen is not an empty maildrop
        return status, await store.listing(user)


def _show_status(status: MaildropStatus) -> None:
    typer.echo(
        f"{status.user}: {counted(status.count, 'message')}, {counted(status.octets, 'octet')}"
    )
    for view in status.views:
        typer.echo(f"view {view.name}: {counted(view.count, 'message')}, {_lock(view)}")


def _lock(view: ViewStatus) -> str:
    if not view.locked:
        return "not locked"
    return f"locked by {view.holder}" if view.holder else "locked"
