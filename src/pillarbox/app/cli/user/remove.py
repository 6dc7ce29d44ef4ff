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
from collections.abc import Iterator
from typing import Annotated

import typer

from pillarbox.app.cli.asking import must_agree
from pillarbox.app.cli.exits import CommandFailed, ExitCode, code_of
from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import known_user
from pillarbox.app.cli.options import Name
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.texts import counted
from pillarbox.app.wire_up import forget_imports
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
        own = accounts.find(name) is not None
        left = asyncio.run(_left_by(config, accounts, name, own=own))
        if not yes:
            must_agree(f"Remove {name} and {left} for good", stakes=f"{name} has {left}")
        if own:
            removed = asyncio.run(_remove(config, accounts, name))
            typer.echo(f"removed {name} and {counted(removed, 'message')}")
        else:
            asyncio.run(_remove_left(config, accounts, name))
            typer.echo(f"removed what {name}, who has no account, had left: {left}")


async def _left_by(config: Config, accounts: Accounts, name: str, *, own: bool) -> str:
    """What goes with *name*, an account of our own or none at all.

    Raises:
        CommandFailed: a source knows that user.
        NoSuchAccount: there is neither an account nor anything else.
    """
    if not own:
        await _refuse_user_of_source(config, accounts, name)
    async with store_of(config, look=True) as store:
        status = await store.status(name)
    if own:
        return f"{counted(status.count, 'message')} ({counted(status.octets, 'octet')})"
    devices = accounts.devices(name)
    ruled = accounts.app_passwords.required(name)
    if not (devices or ruled or status.count or len(status.views) > 1):
        accounts.get(name)  # which says that there is none
    return f"{counted(status.count, 'message')}, {counted(len(devices), 'app password')}"


async def _refuse_user_of_source(config: Config, accounts: Accounts, name: str) -> None:
    with contextlib.suppress(NoSuchAccount):
        await known_user(config, accounts, name)
        raise CommandFailed(
            f"{name} is a user of another source ({', '.join(config.auth.sources)}): remove it there "
            f"first, then what it has left here; a device by `pillarbox device remove {name} DEVICE`",
            ExitCode.USAGE,
        )


async def _remove(config: Config, accounts: Accounts, name: str) -> int:
    async with store_of(config) as store:
        status = await store.status(name)
        undo = "" if accounts.get(name).disabled else _UNDO
        accounts.disable(name)
        with _telling(_HALF_DONE.format(name=name) + undo.format(name=name)):
            await store.remove(name)
            accounts.remove(name)
        await forget_imports(config, name)
        with _telling(_LATE_MAIL.format(name=name)):
            await store.remove(name)
    return status.count


async def _remove_left(config: Config, accounts: Accounts, name: str) -> None:
    """Remove what is there of *name*, which is no account."""
    async with store_of(config) as store:
        for device in accounts.devices(name):
            accounts.remove_device(name, device.device)
        if accounts.app_passwords.required(name):
            accounts.require_app_passwords(name, required=False)
        await store.remove(name)
    await forget_imports(config, name)


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
