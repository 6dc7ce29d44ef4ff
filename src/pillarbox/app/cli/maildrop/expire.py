"""``pillarbox maildrop expire``: what a server does every hour, now."""

from __future__ import annotations

import asyncio

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.options import AsJson
from pillarbox.app.cli.output import show_json
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.retention import retention_of
from pillarbox.app.texts import counted, printable
from pillarbox.contracts.store import Expired


def expire(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Apply the rules of retention now.

    That is [retention] in the configuration; a running server does the same every hour. Sessions
    are not disturbed: a maildrop that is open is left for the next time.
    """
    config = configuration(context)
    with accounts_of(config):  # sees to the folder, and who may use it
        expired = asyncio.run(_expire(config))
    if as_json:
        show_json(expired)
    elif config.retention.least_days is None:
        typer.echo("nothing ever goes by itself: everything in [retention] is 0")
    else:
        _show(expired)


async def _expire(config: Config) -> Expired:
    async with store_of(config) as store:
        return await store.expire(retention_of(config.retention))


def _show(expired: Expired) -> None:
    for user, view in expired.absent:
        typer.echo(printable(f"mail of {user} no longer waits for {view}"))
    removed = f"removed {counted(expired.messages, 'message')}"
    typer.echo(f"{removed} ({counted(expired.octets, 'octet')})")
    if expired.busy:
        typer.echo(f"{counted(expired.busy, 'maildrop')} left for the next time: in use")
