"""``pillarbox device remove USER DEVICE``: its password opens nothing, nothing waits for it.

The app password goes first: from then on nobody signs in, and a session that is open can commit
nothing once the view is gone. Broken off in between, the device is still listed and the command
can be repeated.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from pillarbox.app.cli.exits import CommandFailed, ExitCode
from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import must_be_known
from pillarbox.app.cli.options import Device, User, view_named
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.devices import devices_of, only_for, remove_device
from pillarbox.app.texts import counted
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.errors import NoSuchDevice
from pillarbox.auth.names import normalise
from pillarbox.contracts.store import Waiting
from pillarbox.model import DEFAULT_VIEW


def remove(
    context: typer.Context,
    user: User,
    device: Device,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take a device away from an account.

    Its app password opens nothing any more. Messages that were still there only for this device,
    since others have deleted them, go for good; all others stay.

    DEVICE may be `default`, the view of the account's own password: nothing waits for it then,
    until somebody signs in with that password again.
    """
    config = configuration(context)
    user, device = normalise(user), view_named(device)
    with accounts_of(config) as accounts:
        gone = asyncio.run(_remove(config, accounts, user, device, ask=not yes))
    released = f"; {counted(len(gone), 'message')} that only it held back went with it"
    if device == DEFAULT_VIEW:
        typer.echo(
            f"mail of {user} no longer waits for the account's own password, until it is used again"
            + released
        )
    else:
        typer.echo(f"removed {device} of {user}{released}")


async def _remove(
    config: Config, accounts: Accounts, user: str, device: str, *, ask: bool
) -> list[Waiting]:
    """Returns what is gone with it."""
    async with store_of(config) as store:
        _, devices = await devices_of(store, accounts, user)
        if device not in {found.name for found in devices}:
            await must_be_known(config, accounts, user)
            raise NoSuchDevice(
                f"{user} has no device {device!r}: `pillarbox device list {user}` shows all"
            )
        alone = only_for(await store.waiting(user), device)
        if ask:
            _ask(user, device, alone)
        await remove_device(store, accounts, user, device)
        left = {message.unique_id for message in await store.waiting(user)}
    return [message for message in alone if message.unique_id not in left]


def is_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def _ask(user: str, device: str, alone: list[Waiting]) -> None:
    octets = sum(message.octets for message in alone)
    mail = f"{counted(len(alone), 'message')} ({counted(octets, 'octet')})"
    if not is_terminal():
        raise CommandFailed(
            f"{mail} may wait for {device} of {user} alone, and there is no terminal to ask on: "
            "use --yes",
            ExitCode.USAGE,
        )
    question = (
        f"Let nothing wait for the own password of {user} any more"
        if device == DEFAULT_VIEW
        else f"Remove {device} of {user}"
    )
    if alone:
        typer.echo(f"{mail} waiting for it alone: what others have deleted of that goes for good.")
    typer.confirm(f"{question}?", abort=True)
