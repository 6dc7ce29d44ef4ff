"""``pillarbox maildrop``: what operators do with maildrops."""

from __future__ import annotations

from typing import ClassVar

import typer

from pillarbox.app.cli.lazy import Entry, LazyGroup

_HERE = "pillarbox.app.cli.maildrop"


class MaildropGroup(LazyGroup):
    """What can be done with maildrops."""

    table: ClassVar[dict[str, Entry]] = {
        "show": Entry(
            f"{_HERE}.show:show", "Show what is in a maildrop, for whom, and who holds its locks."
        ),
        "unlock": Entry(f"{_HERE}.unlock:unlock", "Take the lock of a maildrop away."),
        "expire": Entry(f"{_HERE}.expire:expire", "Apply the rules of retention now."),
        "check": Entry(f"{_HERE}.check:check", "Check whether index and bodies agree."),
    }


app = typer.Typer(cls=MaildropGroup, no_args_is_help=True, add_completion=False)


@app.callback()
def maildrop() -> None:
    """Look into maildrops, unlock and check them, let old mail go."""
