"""``pillarbox read``: mail in the browser, with or without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pillarbox.app.cli.invocation import Invocation
from pillarbox.app.exits import CommandFailed, ExitCode
from pillarbox.app.reading.command import read as do_read
from pillarbox.app.reading.parts import make_parts
from pillarbox.app.reading.wish import ReadWish


def read(  # noqa: PLR0913 -- one for each option
    context: typer.Context,
    *,
    library: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder of mail; else in the platform's for data."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=65535, help="Port of the page on loopback; 0: any that is free."
        ),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Where the page is; beyond loopback with TLS only."),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PEM file: the page's certificate, then its chain."),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PEM file: its key, if that is in another file."),
    ] = None,
    password_command: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="Prints the page's password; beyond loopback only."),
    ] = None,
    new_password: Annotated[
        bool,
        typer.Option(
            "--new-password", help="Ask for another password of the page; beyond loopback only."
        ),
    ] = False,
    state: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where journals and sign-ins are, as of fetch."),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
    reindex: Annotated[
        bool, typer.Option("--reindex", help="First make the index anew from the mail.")
    ] = False,
    with_stdin: Annotated[
        bool,
        typer.Option(
            "--end-with-stdin", help="End when standard input ends: with the program that holds it."
        ),
    ] = False,
) -> None:
    """Read, search, file and answer mail in the browser, offline.

    Serves a page on loopback, for you alone, and opens it. New mail is collected from the accounts of
    `pillarbox fetch`, and answers leave, whenever there is a network. Ctrl-C ends it.

    If the library is open already, a new page of it is opened.
    """
    if port is not None and listen is not None:
        raise CommandFailed("say --port or --listen, not both", ExitCode.USAGE)
    invocation = context.find_object(Invocation) or Invocation()
    options = {
        "library": library,
        "listen": listen if port is None else f"127.0.0.1:{port}",
        "certificate": certificate,
        "key": key,
        "password_command": password_command,
    }
    wish = ReadWish(
        config=invocation.file,
        overrides=invocation.overrides,
        options={name: str(value) for name, value in options.items() if value is not None},
        state=state,
        browser=browser,
        reindex=reindex,
        new_password=new_password,
        with_stdin=with_stdin,
    )
    raise typer.Exit(do_read(wish, make_parts))
