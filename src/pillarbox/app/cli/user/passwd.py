"""``pillarbox user passwd NAME``: another password, valid at once."""

from __future__ import annotations

from typing import Annotated

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import own_account
from pillarbox.app.cli.options import Name, PasswordStdin
from pillarbox.app.cli.passwords import new_password
from pillarbox.app.cli.storage import accounts_of


def passwd(
    context: typer.Context,
    name: Name,
    *,
    password_stdin: PasswordStdin = False,
    apop: Annotated[
        bool | None,
        typer.Option(
            "--apop/--no-apop", show_default="as before", help="Keep it readable, as APOP needs it."
        ),
    ] = None,
) -> None:
    """Give an account another password.

    It counts from the next sign-in; sessions that are open stay open.
    """
    config = configuration(context)
    with accounts_of(config) as accounts:
        name = own_account(config, accounts, name).name
        accounts.set_password(name, new_password(name, from_stdin=password_stdin), apop=apop)
    typer.echo(f"{name} has a new password")
