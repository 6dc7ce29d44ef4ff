"""``pillarbox user disable NAME``: nobody signs in any more; mail is still taken."""

from __future__ import annotations

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import own_account
from pillarbox.app.cli.options import Name
from pillarbox.app.cli.storage import accounts_of


def disable(context: typer.Context, name: Name) -> None:
    """Let nobody sign in to an account.

    Its mail stays, and new mail is still taken: nothing is lost until `user enable`.
    A session that is open may finish.
    """
    config = configuration(context)
    with accounts_of(config) as accounts:
        name = own_account(config, accounts, name).name
        accounts.disable(name)
    typer.echo(f"{name} can no longer sign in; mail for it is still taken")
