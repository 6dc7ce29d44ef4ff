"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from pillarbox.app.sizes import parse_size
from pillarbox.auth.names import normalise, normalise_device
from pillarbox.model import DEFAULT_VIEW

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="The account.")]
User = Annotated[str, typer.Argument(metavar="USER", show_default=False, help="The account.")]
Device = Annotated[
    str,
    typer.Argument(metavar="DEVICE", show_default=False, help="Its name: phone, laptop, …"),
]
View = Annotated[
    str,
    typer.Option(
        "--device", metavar="DEVICE", show_default="the account's own password", help="Whose view."
    ),
]
PasswordStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from one line of standard input."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def view_named(device: str) -> str:
    """The view that :data:`View` names.

    Raises:
        InvalidName: no device can be called so.
    """
    return DEFAULT_VIEW if normalise(device) == DEFAULT_VIEW else normalise_device(device)


def read_size(text: str | int) -> int:
    """A size option or argument."""
    try:
        return parse_size(str(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
