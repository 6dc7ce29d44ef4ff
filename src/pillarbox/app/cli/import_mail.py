"""``pillarbox import SOURCE USER…``: mail from a Maildir or an mbox into a maildrop; or users of another
post office.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pillarbox.app.cli.exits import CommandFailed, ExitCode
from pillarbox.app.cli.import_office import import_office
from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import known_user
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.importing.aside import ReadAside
from pillarbox.app.importing.choose import open_source
from pillarbox.app.importing.run import Importer, Outcome
from pillarbox.app.moving.office import is_office
from pillarbox.app.texts import counted, printable
from pillarbox.app.wire_up import journal_of
from pillarbox.auth.names import normalise
from pillarbox.contracts.errors import PillarboxError
from pillarbox.model import Recipient
from pillarbox.sources.found import Source, SourceUnusable

# Enough to see what is wrong; a broken disk would otherwise scroll all else away.
MAX_REASONS = 20


def import_mail(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            show_default=False,
            help="A Maildir, an mbox file, or the configuration (.toml) of another post office.",
        ),
    ],
    users: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="USER…",
            show_default=False,
            help="The account; of another post office any number of them.",
        ),
    ] = None,
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Store also what an earlier import has stored.")
    ] = False,
    everybody: Annotated[
        bool, typer.Option("--all", help="All users of another post office.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would come from another post office.")
    ] = False,
) -> None:
    """Bring in mail from a Maildir or an mbox, or users of another post office.

    The source is only read. An import that was broken off can be repeated: what is stored
    is not stored twice. A message that cannot be read does not stop the others; the
    command then ends with 1.

    Another post office is named by its configuration. Mail comes with its unique-ids, devices with
    what they have not seen, accounts with their passwords.
    """
    config = configuration(context)
    if is_office(source):
        if again:
            raise CommandFailed(
                "--again is for Maildir and mbox: from another post office each message comes once",
                ExitCode.USAGE,
            )
        import_office(config, source, users or (), all_of_them=everybody, dry_run=dry_run)
        return
    if everybody or dry_run:
        raise CommandFailed(
            "--all and --dry-run are for another post office, which is named by its configuration "
            "(a file that ends with .toml)",
            ExitCode.USAGE,
        )
    if users is None or len(users) != 1:
        raise CommandFailed(
            "one Maildir or mbox is imported for one user: pillarbox import SOURCE USER",
            ExitCode.USAGE,
        )
    (user,) = users
    try:
        # Before root is given up: the source may be readable for root only.
        mail = ReadAside(source) if os.geteuid() == 0 else open_source(source)
    except SourceUnusable as error:
        raise CommandFailed(str(error), ExitCode.USAGE) from error
    for note in mail.notes:
        typer.echo(f"note: {printable(note)}", err=True)
    with closing(mail), accounts_of(config) as accounts:
        account = asyncio.run(known_user(config, accounts, normalise(user)))
        quota = account.quota_octets or config.delivery.quota_octets
        recipient = Recipient(account.name, quota)
        outcome = _run(config, mail, recipient, again=again)
    _report(outcome, account.name)


def _run(config: Config, mail: Source, recipient: Recipient, *, again: bool) -> Outcome:
    """Import everything; if that is broken off, say how far it came."""
    outcome = Outcome()

    async def run() -> None:
        nonlocal outcome
        async with store_of(config) as store, journal_of(config, recipient.user) as journal:
            if again:
                await journal.forget()
            with _progress(mail.total) as progress:
                importer = Importer(store, recipient, journal, progress=progress)
                outcome = importer.outcome
                await importer.settle()
                await importer.run(mail)

    try:
        asyncio.run(run())
    except (PillarboxError, OSError, KeyboardInterrupt) as error:
        why = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
        _show_failed(outcome)
        raise CommandFailed(
            f"{why}; {counted(outcome.stored, 'message')} stored until then: the same command "
            "goes on from there"
        ) from error
    return outcome


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("importing", total=total)
        yield lambda units: progress.advance(task, units)


def _report(outcome: Outcome, user: str) -> None:
    known = f", {outcome.known} already there by an earlier import" if outcome.known else ""
    failed = f", {len(outcome.failed)} failed" if outcome.failed else ""
    stored = counted(outcome.stored, "message")
    octets = counted(outcome.octets, "octet")
    typer.echo(f"stored {stored} ({octets}) for {user}{known}{failed}")
    _show_failed(outcome)
    if outcome.failed:
        raise typer.Exit(ExitCode.PARTIAL)


def _show_failed(outcome: Outcome) -> None:
    for label, why in outcome.failed[:MAX_REASONS]:
        typer.echo(printable(f"not stored: {label}: {why}"), err=True)
    if len(outcome.failed) > MAX_REASONS:
        typer.echo(f"not stored: {len(outcome.failed) - MAX_REASONS} more", err=True)
