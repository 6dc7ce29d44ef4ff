"""``pillarbox user remove NAME``: an account and all its mail.

The order matters, since the command may be broken off and a server may be running:

1. The account is disabled: no new session begins.
2. The maildrop is removed; a session that still has it open can commit nothing.
3. The account is removed: from here on mail for it is refused.
4. The maildrop is removed again, for mail that came in between 2 and 3, and so is the
   record of imports.

Broken off anywhere before 3, the account is still listed and the command can be repeated.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from pillarbox.app.cli.exits import CommandFailed, ExitCode
from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.options import Name
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.importing.journal import forget_imports
from pillarbox.app.texts import counted
from pillarbox.auth.accounts import Accounts


def remove(
    context: typer.Context,
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove an account and all its mail. There is no way back.

    It is disabled first, then its mail goes, then the account itself: whatever breaks the
    command off, it can be repeated.
    """
    config = configuration(context)
    with accounts_of(config) as accounts:
        name = accounts.get(name).name
        removed = asyncio.run(_remove(config, accounts, name, ask=not yes))
    typer.echo(f"removed {name} and {counted(removed, 'message')}")


async def _remove(config: Config, accounts: Accounts, name: str, *, ask: bool) -> int:
    async with store_of(config) as store:
        status = await store.status(name)
        if ask:
            _ask(name, f"{counted(status.count, 'message')} ({counted(status.octets, 'octet')})")
        accounts.disable(name)
        await store.remove(name)
        accounts.remove(name)
        await store.remove(name)
    forget_imports(config.store.path, name)
    return status.count


def _ask(name: str, mail: str) -> None:
    if not sys.stdin.isatty():
        raise CommandFailed(
            f"{name} has {mail}, and there is no terminal to ask on: use --yes", ExitCode.USAGE
        )
    typer.confirm(f"Remove {name} and {mail} for good?", abort=True)
