"""``pillarbox user require-app-passwords NAME``: the human password opens nothing any more."""

from __future__ import annotations

from typing import Annotated

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known_users import known_user
from pillarbox.app.cli.options import Name
from pillarbox.app.cli.storage import accounts_of


def require_app_passwords(
    context: typer.Context,
    name: Name,
    *,
    off: Annotated[
        bool, typer.Option("--off", help="Let the account's own password open it again.")
    ] = False,
) -> None:
    """Let an account be opened by app passwords only, not by its own password.

    Tokens and client certificates go on opening it, where they are taken. It counts from the
    next sign-in, by whatever mechanism; also for users of other sources than the accounts file.
    """
    config = configuration(context)
    with accounts_of(config) as accounts:
        name = known_user(config, accounts, name)
        accounts.require_app_passwords(name, required=not off)
        without = not off and not accounts.has_devices(name)
    if off:
        typer.echo(f"{name} can sign in with its own password, too")
        return
    typer.echo(f"{name} can sign in with app passwords only")
    if without:
        typer.echo(f"{name} has none yet: `pillarbox device add {name} NAME` makes one", err=True)
