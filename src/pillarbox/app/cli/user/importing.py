"""``pillarbox user import FILE``: accounts from a passwd-file, as Dovecot writes it.

All of its lines are understood before anything is changed; all accounts are made in one
transaction. So a file with faults, or a command that is broken off, leaves everything as it was.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from pillarbox.app.cli.exits import CommandFailed, ExitCode
from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.options import AsJson
from pillarbox.app.cli.output import show_json
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.texts import counted
from pillarbox.auth.accounts import Accounts, Imported
from pillarbox.auth.passwd_import import Lines, read_lines
from pillarbox.auth.sources.passwd_file import MAX_FILE_OCTETS

MOST_FAULTS = 50
"""Faults that are shown; of the rest it is said how many there are."""
MOST_NAMES = 20
"""Names in one sentence."""


def import_users(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", show_default=False, help="The passwd-file; -: stdin.")
    ],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give accounts that are there the file's passwords.")
    ] = False,
    keep_mail: Annotated[
        bool, typer.Option("--keep-mail", help="Give new accounts mail that is under their names.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make accounts of a Dovecot passwd-file, all or none.

    Passwords stay what they were: their hashes are taken as they are, and become ours when the
    password is used next. Accounts that are there already are left alone. Lines that cannot be
    used are named, and then nothing is changed at all.
    """
    config = configuration(context)
    content = _content(file)  # before root becomes the store's user, who may not read it
    with accounts_of(config, create=True) as accounts:
        lines = read_lines(content, config.delivery.domains, accounts.passwords)
        _refuse_faults(file, lines)
        if not keep_mail:
            asyncio.run(_refuse_mail(config, accounts, lines))
        imported = accounts.add_all(lines.accounts, replace=replace)
    if as_json:
        show_json({**imported._asdict(), "without_password": lines.without_password})
    else:
        _tell(imported, lines)


def _content(file: str) -> bytes:
    if file == "-":
        content = sys.stdin.buffer.read(MAX_FILE_OCTETS + 1)
    else:
        with Path(file).open("rb") as stream:
            content = stream.read(MAX_FILE_OCTETS + 1)
    if len(content) > MAX_FILE_OCTETS:
        raise CommandFailed(
            f"{file} is no passwd-file: it has more than {MAX_FILE_OCTETS} octets", ExitCode.USAGE
        )
    return content


def _refuse_faults(file: str, lines: Lines) -> None:
    for fault in lines.faults[:MOST_FAULTS]:
        typer.echo(f"{file}:{fault.line}: {fault.reason}", err=True)
    if lines.faults:
        raise CommandFailed(
            f"{counted(len(lines.faults), 'line')} of {file} cannot be used; nothing was changed",
            ExitCode.USAGE,
        )
    if not lines.accounts:
        raise CommandFailed(f"{file} has no account", ExitCode.USAGE)


async def _refuse_mail(config: Config, accounts: Accounts, lines: Lines) -> None:
    """Mail under a new account's name may be another person's (see ``user add``)."""
    there = set(accounts.names())
    async with store_of(config, look=True) as store:
        maildrops = set(await store.users())
        new = [one.name for one in lines.accounts if one.name not in there]
        found = [name for name in new if name in maildrops and (await store.status(name)).count]
    if found:
        raise CommandFailed(
            f"there is mail under the names of new accounts ({_some(found)}), of earlier ones: "
            "--keep-mail gives it to the new accounts; `pillarbox user add NAME --discard-mail` "
            "does away with it; nothing was changed",
            ExitCode.USAGE,
        )


def _tell(imported: Imported, lines: Lines) -> None:
    added, replaced, left = imported
    typer.echo(f"added {counted(len(added), 'account')}")
    if replaced:
        typer.echo(f"replaced {counted(len(replaced), 'account')}: {_some(replaced)}")
    if left:
        typer.echo(
            f"left {counted(len(left), 'account')} alone that {'is' if len(left) == 1 else 'are'} "
            f"there already: {_some(left)} (--replace gives them the file's passwords)"
        )
    touched = {*added, *replaced}
    if shut := [name for name in lines.without_password if name in touched]:
        typer.echo(
            f"disabled, since they have no password in the file: {_some(shut)} "
            "(`pillarbox user passwd` and `pillarbox user enable`)"
        )


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
