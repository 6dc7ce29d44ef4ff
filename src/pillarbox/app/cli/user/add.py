"""``pillarbox user add NAME``: make an account (and the store, if it is the first)."""

from __future__ import annotations

from typing import Annotated

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.options import Name, PasswordStdin, read_size
from pillarbox.app.cli.passwords import new_password
from pillarbox.app.cli.storage import accounts_of
from pillarbox.auth.errors import AccountExists
from pillarbox.auth.names import normalise


def add(
    context: typer.Context,
    name: Name,
    *,
    password_stdin: PasswordStdin = False,
    quota: Annotated[
        int,
        typer.Option(
            metavar="SIZE", parser=read_size, help="Octets it may hold, as 500M; 0: the server's."
        ),
    ] = 0,
    apop: Annotated[
        bool, typer.Option("--apop", help="Also keep the password readable, as APOP needs it.")
    ] = False,
) -> None:
    """Make an account.

    The password is asked for twice; with --password-stdin one line is read instead.
    """
    config = configuration(context)
    name = normalise(name)
    with accounts_of(config, create=True) as accounts:
        if accounts.find(name):  # said before anybody types a password
            raise AccountExists(f"there already is an account {name!r}")
        password = new_password(name, from_stdin=password_stdin)
        accounts.add(name, password, quota_octets=quota, apop=apop)
    typer.echo(f"added {name}: mail for {name}@{config.delivery.domains[0]} is kept for it")
