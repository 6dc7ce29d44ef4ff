"""``pillarbox user add NAME``: make an account (and the store, if it is the first).

A maildrop of that name may hold mail already: what came in while an earlier account was
removed, or what was there before the accounts were lost. It may be another person's, so it
is handed over, or removed, only when that is asked for. App passwords of an earlier user never
open the new account: another source of accounts may have had one of that name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from pillarbox.app.cli.exits import CommandFailed, ExitCode
from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.options import Name, PasswordStdin, read_size
from pillarbox.app.cli.passwords import new_password
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.texts import counted
from pillarbox.app.wire_up import forget_imports
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.devices import DeviceRecord
from pillarbox.auth.errors import AccountExists
from pillarbox.auth.names import normalise
from pillarbox.auth.schemes import understand
from pillarbox.contracts.store import MaildropStatus
from pillarbox.model import DEFAULT_VIEW

_INSTEAD = "--hash-stdin is instead of a password: neither --password-stdin nor --apop goes with it"


def add(
    context: typer.Context,
    name: Name,
    *,
    password_stdin: PasswordStdin = False,
    hash_stdin: Annotated[
        bool,
        typer.Option(
            "--hash-stdin",
            help="Read another server's password hash, as {SCHEME}hash, from standard input.",
        ),
    ] = False,
    quota: Annotated[
        int,
        typer.Option(
            metavar="SIZE", parser=read_size, help="Octets it may hold, as 500M; 0: the server's."
        ),
    ] = 0,
    apop: Annotated[
        bool, typer.Option("--apop", help="Also keep the password readable, as APOP needs it.")
    ] = False,
    keep_mail: Annotated[
        bool, typer.Option("--keep-mail", help="Give it mail that is there under its name.")
    ] = False,
    discard_mail: Annotated[
        bool, typer.Option("--discard-mail", help="Remove such mail, for good.")
    ] = False,
) -> None:
    """Make an account.

    The password is asked for twice; with --password-stdin one line is read instead. With
    --hash-stdin that line is a hash, as Dovecot or crypt(3) writes it; it becomes ours when the
    password is used first.

    When mail is there under that name already (an earlier account's), nothing is made until
    --keep-mail or --discard-mail says whether the new account is to have it.
    """
    if keep_mail and discard_mail:
        raise CommandFailed("say --keep-mail or --discard-mail, not both", ExitCode.USAGE)
    if hash_stdin and (password_stdin or apop):
        raise CommandFailed(_INSTEAD, ExitCode.USAGE)
    config = configuration(context)
    name = normalise(name)
    with accounts_of(config, create=True) as accounts:
        if accounts.find(name):  # said before anybody types a password
            raise AccountExists(f"there already is an account {name!r}")
        earlier = accounts.devices(name)
        there = asyncio.run(_maildrop_of(config, name))
        found = there if there.count else None
        if found and not (keep_mail or discard_mail):
            raise CommandFailed(_whose(name, found), ExitCode.USAGE)
        secret = new_password(name, from_stdin=password_stdin or hash_stdin)
        if hash_stdin:
            understand(secret)  # said before any mail is removed
        if discard_mail or (not found and len(there.views) > 1):
            asyncio.run(_discard(config, name))
        forgotten = _forget_earlier(accounts, name, earlier)
        if hash_stdin:
            accounts.add_with_hash(name, secret, quota_octets=quota)
        else:
            accounts.add(name, secret, quota_octets=quota, apop=apop)
    kept = f", with {counted(found.count, 'message')} from before" if found and keep_mail else ""
    typer.echo(f"added {name}{kept}: mail for {name}@{config.delivery.domains[0]} is kept for it")
    for sentence in forgotten:
        typer.echo(sentence)
    if kept:
        _tell_of_views(there)


def _tell_of_views(there: MaildropStatus) -> None:
    """Mail was kept: it may be waiting for devices that are no more."""
    views = ", ".join(view.name for view in there.views if view.name != DEFAULT_VIEW)
    if views:
        typer.echo(
            f"devices of before ({views}) have no app password, but mail waits for them: "
            f"`pillarbox device list {there.user}` shows what to do"
        )


def _forget_earlier(accounts: Accounts, name: str, devices: Sequence[DeviceRecord]) -> list[str]:
    """Take away what another source's user of that name has left; what to say of it."""
    for record in devices:
        accounts.remove_device(record.user, record.device)
    said = [f"{counted(len(devices), 'app password')} of an earlier {name} removed"]
    if accounts.app_passwords.required(name):
        accounts.require_app_passwords(name, required=False)
        said.append(f"{name} can sign in with its own password, unlike an earlier {name}")
    return said if devices else said[1:]


async def _maildrop_of(config: Config, name: str) -> MaildropStatus:
    """What is there under that name."""
    async with store_of(config, look=True) as store:
        return await store.status(name)


async def _discard(config: Config, name: str) -> None:
    async with store_of(config) as store:
        await store.remove(name)
    await forget_imports(config, name)


def _whose(name: str, found: MaildropStatus) -> str:
    return (
        f"a maildrop of the name {name!r} already holds {counted(found.count, 'message')} "
        f"({counted(found.octets, 'octet')}), of an earlier account: --keep-mail gives that to the "
        "new account, --discard-mail removes it for good"
    )
