"""``pillarbox device add USER DEVICE``: another device, with an app password shown once."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import must_be_known
from pillarbox.app.cli.options import AsJson, Device, User
from pillarbox.app.cli.output import show_json
from pillarbox.app.cli.qr import can_show_codes, code
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config, TcpAddress
from pillarbox.app.devices import Added, add_device
from pillarbox.app.texts import counted
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.names import normalise, normalise_device

_SECURITY = {"tls": "SSL/TLS", "starttls": "STARTTLS", "none": "none: only from this machine"}
"""As mail programs call it."""


def add(
    context: typer.Context,
    user: User,
    device: Device,
    *,
    from_now_on: Annotated[
        bool,
        typer.Option("--from-now-on", help="Give it only mail that comes from now on."),
    ] = False,
    qr: Annotated[
        bool, typer.Option("--qr/--no-qr", help="Show a QR code on a terminal (it does).")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Give an account another device.

    Prints an app password, once, and what to enter in the mail program. The device sees what is
    in the maildrop now, and all that comes; what it deletes stays there for the others.

    If it is broken off, give it again: it goes on from there.
    """
    config = configuration(context)
    user, device = normalise(user), normalise_device(device)
    with accounts_of(config, make_file=bool(config.auth.sources)) as accounts:
        added = asyncio.run(_add(config, accounts, user, device, from_now_on=from_now_on))
    if as_json:
        show_json(_as_json(config, user, device, added))
    else:
        _show(config, user, device, added, qr=qr)


async def _add(
    config: Config, accounts: Accounts, user: str, device: str, *, from_now_on: bool
) -> Added:
    await must_be_known(config, accounts, user)
    async with store_of(config) as store:
        return await add_device(store, accounts, user, device, from_now_on=from_now_on)


def _as_json(config: Config, user: str, device: str, added: Added) -> dict[str, object]:
    return {
        "user": user,
        "device": device,
        "user_name": f"{user}+{device}",
        "password": added.password.printed if added.password else None,
        "server": config.server.hostname,
        "ports": [{"port": port, "security": security} for port, security in _doors(config)],
    }


def _show(config: Config, user: str, device: str, added: Added, *, qr: bool) -> None:
    if added.password is None:
        typer.echo(
            f"{device} of {user} has its view again; its app password is the one it had, and "
            "cannot be shown: `pillarbox device remove` and `device add` make another"
        )
        return
    if added.found is not None:
        typer.echo(
            f"the view {device} of {user} was there already, with "
            f"{counted(added.found.count, 'message')}: it has an app password again\n"
        )
    rows = [("user name", f"{user}+{device}"), ("password", added.password.printed)]
    rows += [("server", f"{config.server.hostname} (POP3)")]
    doors = [f"{port}, {_SECURITY[security]}" for port, security in _doors(config)]
    rows += [("port", text) if not number else ("or", text) for number, text in enumerate(doors)]
    for name, value in rows:
        typer.echo(f"{name:<9}  {value}")
    typer.echo(
        "\nThe password is shown only now. Capitals, spaces and hyphens do not matter in it. The mail\n"
        'program may "leave mail on the server" or not: it concerns no other device.'
    )
    if qr and can_show_codes(sys.stdout):
        typer.echo(f"\n{code(added.password.printed)}", color=True)


def _doors(config: Config) -> list[tuple[int, str]]:
    """``(port, security)`` of the POP3 doors, the one with TLS from the first byte first."""
    has_tls = config.tls.certificate is not None
    found = [(address, "tls") for address in config.listen.pop3s if has_tls]
    found += [(address, "starttls" if has_tls else "none") for address in config.listen.pop3]
    doors = [(a.port, how) for a, how in found if isinstance(a, TcpAddress) and a.port]
    return list(dict.fromkeys(doors))
