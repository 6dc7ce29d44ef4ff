"""``pillarbox demo``: a whole post office to try things out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pillarbox.app.cli.exits import CommandFailed, ExitCode
from pillarbox.app.cli.invocation import Invocation
from pillarbox.app.demo import Wish, run_demo


def demo(
    context: typer.Context,
    *,
    path: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Keep everything in this folder; else it goes at the end."
        ),
    ] = None,
    mail: Annotated[bool, typer.Option("--mail/--no-mail", help="Deliver sample mail.")] = True,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the reader in a browser.")
    ] = True,
) -> None:
    """Run a whole post office on loopback: two accounts, sample mail, POP3, SMTP, TLS, the reader.

    Prints commands to try, ready to be copied. Ctrl-C ends it.
    """
    invocation = context.find_object(Invocation) or Invocation()
    if invocation.file is not None:
        raise CommandFailed(
            "demo brings its own configuration; "
            f"`pillarbox --config {invocation.file} serve` serves yours",
            ExitCode.USAGE,
        )
    raise typer.Exit(run_demo(Wish(path, invocation.overrides, mail, browser)))
