"""``pillarbox user enable NAME``: undo ``user disable``."""

from __future__ import annotations

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import own_account
from pillarbox.app.cli.options import Name
from pillarbox.app.cli.storage import accounts_of


def enable(context: typer.Context, name: Name) -> None:
    """Undo `user disable`: the account can sign in again, with the password it had."""
    config = configuration(context)
    with accounts_of(config) as accounts:
        name = own_account(config, accounts, name).name
        accounts.enable(name)
    typer.echo(f"{name} can sign in")
