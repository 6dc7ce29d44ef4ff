"""``pillarbox maildrop check [USER] [--repair]``: do index and bodies agree?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from pillarbox.app.cli.exits import ExitCode
from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import known_user
from pillarbox.app.cli.options import AsJson
from pillarbox.app.cli.output import show_json
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.texts import counted, printable
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.names import normalise
from pillarbox.contracts.store import Finding


def check(
    context: typer.Context,
    user: Annotated[
        str | None,
        typer.Argument(metavar="USER", show_default=False, help="Only this one's maildrop."),
    ] = None,
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check whether index and bodies agree.

    Ends with 1 when something is wrong that has not been mended. --repair never removes a
    message whose body is whole; a message whose body is not is taken off the list, and what
    is left of it is kept in the folder "lost" of its shard (in a cluster, in the table
    "lost", or under "lost/" in the bucket; a message whose object is missing stays on its
    list unless USER is given).
    """
    config = configuration(context)
    with accounts_of(config) as accounts:
        findings = asyncio.run(_check(config, accounts, user, repair=repair))
    if as_json:
        show_json(findings)
    else:
        _show(findings, repair=repair)
    if any(not finding.repaired for finding in findings):
        raise typer.Exit(ExitCode.PARTIAL)


async def _check(
    config: Config, accounts: Accounts, user: str | None, *, repair: bool
) -> Sequence[Finding]:
    async with store_of(config, look=True) as store:
        if user is not None:
            user = normalise(user)
            if user not in await store.users():
                await known_user(config, accounts, user)
        return await store.check(user, repair=repair)


def _show(findings: Sequence[Finding], *, repair: bool) -> None:
    for finding in findings:
        whose = f"{finding.user}: " if finding.user is not None else ""
        mended = "repaired: " if finding.repaired else ""
        typer.echo(printable(f"{mended}{whose}{finding.problem}"))
    if not findings:
        typer.echo("everything agrees")
        return
    if not repair:
        found = counted(len(findings), "fault")
        typer.echo(f"{found} found; --repair mends what can be mended")
        return
    left = sum(not finding.repaired for finding in findings)
    mended_too = f", {len(findings) - left} repaired" if left < len(findings) else ""
    typer.echo(f"{counted(left, 'fault')} left{mended_too}")
