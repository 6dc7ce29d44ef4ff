"""``pillarbox maildrop unlock USER``: take the lock away from a session that hangs."""

from __future__ import annotations

import asyncio

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import must_be_known
from pillarbox.app.cli.options import User, View, view_named
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.names import normalise
from pillarbox.model import DEFAULT_VIEW


def unlock(context: typer.Context, user: User, *, device: View = DEFAULT_VIEW) -> None:
    """Take the lock of a maildrop away from whoever holds it.

    Seldom needed: a process that dies frees its locks. The session that held the lock may
    go on reading, but its QUIT deletes nothing and says so. Each device has a lock of its own.
    """
    config = configuration(context)
    user, view = normalise(user), view_named(device)
    with accounts_of(config) as accounts:
        unlocked = asyncio.run(_unlock(config, accounts, user, view))
    what = f"the maildrop of {user}"
    if view != DEFAULT_VIEW:
        what = f"{view} of {user}"
    typer.echo(f"unlocked {what}" if unlocked else f"{what} was not locked")


async def _unlock(config: Config, accounts: Accounts, user: str, view: str) -> bool:
    async with store_of(config) as store:
        if await store.unlock(user, view):
            return True
    await must_be_known(config, accounts, user)  # nobody holds the lock of who does not exist
    return False
