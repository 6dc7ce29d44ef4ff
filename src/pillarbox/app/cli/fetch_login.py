"""``pillarbox fetch login ACCOUNT``: sign in to a provider that takes no passwords."""

from __future__ import annotations

from typing import Annotated

import typer

from pillarbox.app.cli.accounts import names_of_accounts
from pillarbox.app.cli.invocation import Invocation
from pillarbox.app.collecting.command import state_folder
from pillarbox.app.collecting.sign_in import sign_in


def fetch_login(
    context: typer.Context,
    account: Annotated[
        str,
        typer.Argument(
            metavar="ACCOUNT",
            show_default=False,
            help="As in the configuration.",
            autocompletion=names_of_accounts,
        ),
    ],
    *,
    state: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where it is kept, if there is no keyring."),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser, if one is needed.")
    ] = True,
) -> None:
    """Sign in to an account by OAuth 2.

    Shows what to do in a browser: to enter a code on any device, or to sign in on this
    machine. The sign-in is kept in the keyring, or in a file that only you can read.
    """
    invocation = context.find_object(Invocation) or Invocation()
    sign_in(
        account,
        state_folder(state),
        config=invocation.file,
        overrides=invocation.overrides,
        browser=browser,
    )
