"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from pillarbox.app.sizes import parse_size

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="The account.")]
User = Annotated[str, typer.Argument(metavar="USER", show_default=False, help="The account.")]
PasswordStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from one line of standard input."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def read_size(text: str | int) -> int:
    """A size option or argument."""
    try:
        return parse_size(str(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
