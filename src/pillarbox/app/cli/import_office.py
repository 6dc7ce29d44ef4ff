"""``pillarbox import OTHER.toml USER…``: users of another post office, with all that is theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import typer
from rich.console import Console
from rich.progress import Progress

from pillarbox.app.cli.exits import CommandFailed, ExitCode
from pillarbox.app.cli.storage import enter, store_of
from pillarbox.app.config import Config
from pillarbox.app.moving import office
from pillarbox.app.moving.run import Moved, Mover, Office, Totals
from pillarbox.app.texts import counted, printable
from pillarbox.app.wire_up import open_accounts
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.copying import everybody
from pillarbox.auth.names import normalise
from pillarbox.contracts.errors import PillarboxError

# Enough to see what is wrong.
MAX_FAILED = 20
MAX_ONLY_HERE = 200


def import_office(
    config: Config, source: str, users: Sequence[str], *, all_of_them: bool, dry_run: bool
) -> None:
    """Move *users*, or *all_of_them*, from the post office whose configuration *source* is."""
    if bool(users) == all_of_them:
        raise CommandFailed(
            "of another post office, name the users that are to be moved, or give --all",
            ExitCode.USAGE,
        )
    there = office.configured(source, config)
    wanted = list(dict.fromkeys(map(normalise, users)))
    enter(config, create=True)
    enter(there)  # root becomes its user, if it is not somebody else already
    with (
        closing(open_accounts(config, create=not dry_run)) as ours,
        closing(open_accounts(there)) as others,
    ):
        totals = _run(config, there, (ours, others), wanted, dry_run=dry_run)
    _report(totals, dry_run=dry_run)


def _run(
    config: Config,
    there: Config,
    accounts: tuple[Accounts, Accounts],
    users: Sequence[str],
    *,
    dry_run: bool,
) -> Totals:
    """Move everybody; if that is broken off, say how far it came."""
    totals = Totals()

    async def run() -> None:
        nonlocal totals
        async with office.store_of(there) as source, store_of(config, look=dry_run) as target:
            ours, others = accounts
            known = await _everybody(others, await source.users())
            wanted = users or known
            if strangers := sorted(set(wanted).difference(known)):
                raise CommandFailed(
                    f"{', '.join(strangers)}: nothing is there of this user", ExitCode.USAGE
                )
            with _progress(len(wanted)) as advance:

                def told(moved: Moved) -> None:
                    advance()
                    _tell(moved)

                mover = Mover(
                    Office(source, others),
                    Office(target, ours),
                    only_look=dry_run,
                    tell=told,
                )
                totals = mover.totals
                await mover.run(wanted)
            if not users:
                here = await _everybody(ours, await target.users())
                totals.only_here = sorted(set(here).difference(known))

    try:
        asyncio.run(run())
    except (PillarboxError, OSError, KeyboardInterrupt) as error:
        if isinstance(error, CommandFailed) or dry_run or not totals.users:
            raise
        why = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
        raise CommandFailed(
            f"{why}; {counted(totals.users, 'user')} done until then: the same command goes on from there"
        ) from error
    return totals


async def _everybody(accounts: Accounts, with_mail: Sequence[str]) -> list[str]:
    """Who has an account, a device or mail there; sorted."""
    lost = accounts.place.is_lost()  # all accounts may well be kept elsewhere
    own = [] if lost else await asyncio.to_thread(everybody, accounts.place)
    return sorted({*own, *with_mail})


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("moving", total=total)
        yield lambda: progress.advance(task)


def _tell(moved: Moved) -> None:
    """A line for each user of whom there is something to tell."""
    if moved.problem:
        typer.echo(printable(f"not moved: {moved.user}: {moved.problem}"), err=True)
    elif moved.is_news:
        typer.echo(printable(f"{moved.user}: {', '.join(_parts(moved))}"))
    for unique_id, why in moved.mail.failed[:MAX_FAILED]:
        typer.echo(printable(f"left out: {moved.user}: {unique_id}: {why}"), err=True)


def _parts(moved: Moved) -> Iterator[str]:
    mail = moved.mail
    yield f"{counted(mail.messages, 'message')} ({counted(mail.octets, 'octet')})"
    if mail.removed:
        yield f"{counted(mail.removed, 'message')} removed, as they were deleted there"
    if mail.views:
        yield counted(mail.views, "device")
    if mail.used:
        yield "only new mail, as the maildrop is in use here or has mail of several origins"
    if moved.account:
        yield f"account {_ACCOUNT[moved.account]}"
    if mail.failed:
        yield f"{counted(len(mail.failed), 'message')} left out"


def _only_here(users: Sequence[str]) -> str:
    """Who was dismissed there between two imports has to be dismissed here, too."""
    names = ", ".join(users[:MAX_ONLY_HERE])
    if more := len(users) - MAX_ONLY_HERE:
        names += f" and {more} more" if more > 0 else ""
    return (
        f"not there any more, or never was, but here: {names}: who has been removed there keeps account, "
        "app passwords and mail here until `pillarbox user remove NAME`"
    )


_ACCOUNT = {
    "added": "added",
    "replaced": "replaced",
    "same": "as it is there",
    "left": "left as it is here",
}


def _report(totals: Totals, *, dry_run: bool) -> None:
    mail = f"{counted(totals.messages, 'message')} ({counted(totals.octets, 'octet')})"
    accounts = counted(totals.accounts, "account")
    would = "would move" if dry_run else "moved"
    typer.echo(f"{would} {mail} and {accounts} of {counted(totals.users, 'user')}")
    if totals.only_here:
        typer.echo(printable(_only_here(totals.only_here)), err=True)
    if totals.later:
        typer.echo(
            f"{counted(len(totals.later), 'user')} not moved: give the command again", err=True
        )
    if totals.later or totals.failed:
        raise typer.Exit(ExitCode.PARTIAL)
