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

Of a user of another source, who has gone from there, mail and devices are left, for the next one
of that name to get. They are removed by the same command, the devices first.
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
from pillarbox.app.cli.known import must_be_known
from pillarbox.app.cli.options import Name
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.importing.journal import forget_imports
from pillarbox.app.texts import counted
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.errors import NoSuchAccount
from pillarbox.auth.names import normalise
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

    What a user of another source has left, who is gone there, is removed likewise.
    """
    config = configuration(context)
    with accounts_of(config) as accounts:
        name = normalise(name)
        if accounts.find(name) is None:
            typer.echo(asyncio.run(_remove_left(config, accounts, name, ask=not yes)))
            return
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


async def _remove_left(config: Config, accounts: Accounts, name: str, *, ask: bool) -> str:
    """Remove what is there of *name*, which is no account; what to say of it.

    Raises:
        CommandFailed: a source knows that user.
        NoSuchAccount: there is nothing.
    """
    with contextlib.suppress(NoSuchAccount):
        await must_be_known(config, accounts, name)
        raise CommandFailed(
            f"{name} is a user of another source ({', '.join(config.auth.sources)}): remove it there "
            f"first, then what it has left here; a device by `pillarbox device remove {name} DEVICE`",
            ExitCode.USAGE,
        )
    devices = accounts.devices(name)
    async with store_of(config) as store:
        status = await store.status(name)
        ruled = accounts.app_passwords.required(name)
        if not (devices or ruled or status.count or len(status.views) > 1):
            accounts.get(name)  # which says that there is none
        left = f"{counted(status.count, 'message')}, {counted(len(devices), 'app password')}"
        if ask:
            _ask(name, left)
        for device in devices:
            accounts.remove_device(name, device.device)
        if ruled:
            accounts.require_app_passwords(name, required=False)
        await store.remove(name)
    forget_imports(config.store.path, name)
    return f"removed what {name}, who has no account, had left: {left}"


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
