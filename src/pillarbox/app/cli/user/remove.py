"""``pillarbox user remove NAME``: an account, its devices and all its mail.

The order matters, since the command may be broken off and a server may be running:

1. The account is disabled: no new session begins, of no device either.
2. The maildrop is removed with all its views; a session that still has one open can commit
   nothing.
3. The account is removed with its app passwords: from here on mail for it is refused.
4. The record of imports is removed; and the maildrop again, for mail that came in between 2
   and 3.

Broken off anywhere before 3, the account is still listed and the command can be repeated; it
ends with a sentence that says so. A lock that another process holds can do that to 2 and 4.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from pillarbox.app.cli.exits import CommandFailed, ExitCode, code_of
from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.options import Name
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.importing.journal import forget_imports
from pillarbox.app.texts import counted
from pillarbox.auth.accounts import Accounts
from pillarbox.contracts.errors import PillarboxError

_HALF_DONE = "{name} is disabled, but not removed: give the command again to finish"
_UNDO = ", or let it sign in again by `pillarbox user enable {name}`"
_LATE_MAIL = (
    "{name} is removed, but mail that came in meanwhile may still be there: a new account of that name "
    "does not get it; `pillarbox user add {name} --discard-mail` does away with it"
)


def remove(
    context: typer.Context,
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove an account and all its mail. There is no way back.

    Its devices go, too. It is disabled first, then its mail goes, then the account itself:
    whatever breaks the command off, it can be repeated.
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
        undo = "" if accounts.get(name).disabled else _UNDO
        accounts.disable(name)
        with _telling(_HALF_DONE.format(name=name) + undo.format(name=name)):
            await store.remove(name)
            accounts.remove(name)
        forget_imports(config.store.path, name)
        with _telling(_LATE_MAIL.format(name=name)):
            await store.remove(name)
    return status.count


@contextlib.contextmanager
def _telling(what: str) -> Iterator[None]:
    """Say *what* has been done, if the rest cannot be."""
    try:
        yield
    except PillarboxError as error:
        raise CommandFailed(f"{error}; {what}", code_of(error)) from error
    except BaseException:  # interrupted, say
        typer.echo(f"pillarbox: {what}", err=True)
        raise


def _ask(name: str, mail: str) -> None:
    if not sys.stdin.isatty():
        raise CommandFailed(
            f"{name} has {mail}, and there is no terminal to ask on: use --yes", ExitCode.USAGE
        )
    typer.confirm(f"Remove {name} and {mail} for good?", abort=True)
