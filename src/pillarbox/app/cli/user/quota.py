"""``pillarbox user quota NAME SIZE``: how much an account's maildrop may hold."""

from __future__ import annotations

from typing import Annotated

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import own_account
from pillarbox.app.cli.options import Name, read_size
from pillarbox.app.cli.storage import accounts_of
from pillarbox.app.sizes import format_size


def quota(
    context: typer.Context,
    name: Name,
    size: Annotated[
        int,
        typer.Argument(
            metavar="SIZE", parser=read_size, show_default=False, help="As 500M; 0: the server's."
        ),
    ],
) -> None:
    """Give an account another quota.

    Mail that is already there stays, even when it is more; new mail waits at the sender
    until there is room. 0 means the server's own (delivery.quota_octets).
    """
    config = configuration(context)
    with accounts_of(config) as accounts:
        name = own_account(config, accounts, name).name
        accounts.set_quota(name, size)
    typer.echo(f"{name} may hold {format_size(size)}" if size else f"{name} has the server's quota")
