"""``pillarbox maildrop unlock USER``: take the lock away from a session that hangs."""

from __future__ import annotations

import asyncio

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.options import User
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.auth.names import normalise


def unlock(context: typer.Context, user: User) -> None:
    """Take the lock of a maildrop away from whoever holds it.

    Seldom needed: a process that dies frees its locks. The session that held the lock may
    go on reading, but its QUIT deletes nothing and says so.
    """
    config = configuration(context)
    with accounts_of(config) as accounts:
        user = normalise(user)
        if asyncio.run(_unlock(config, user)):
            typer.echo(f"unlocked the maildrop of {user}")
            return
        accounts.get(user)  # nobody holds the lock of an account that does not exist
    typer.echo(f"the maildrop of {user} was not locked")


async def _unlock(config: Config, user: str) -> bool:
    async with store_of(config) as store:
        return await store.unlock(user)
