"""``pillarbox user``: accounts. Changes count at once, for a running server, too."""

from __future__ import annotations

from typing import ClassVar

import typer

from pillarbox.app.cli.lazy import Entry, LazyGroup

_HERE = "pillarbox.app.cli.user"


class UserGroup(LazyGroup):
    """What can be done with accounts."""

    table: ClassVar[dict[str, Entry]] = {
        "add": Entry(f"{_HERE}.add:add", "Make an account."),
        "list": Entry(f"{_HERE}.listing:list_users", "Show all accounts."),
        "import": Entry(
            f"{_HERE}.importing:import_users", "Make accounts of a Dovecot passwd-file."
        ),
        "passwd": Entry(f"{_HERE}.passwd:passwd", "Give an account another password."),
        "quota": Entry(f"{_HERE}.quota:quota", "Give an account another quota."),
        "disable": Entry(f"{_HERE}.disable:disable", "Let nobody sign in to an account."),
        "enable": Entry(f"{_HERE}.enable:enable", "Undo `user disable`."),
        "require-app-passwords": Entry(
            f"{_HERE}.require_app_passwords:require_app_passwords",
            "Let an account be opened by app passwords only.",
        ),
        "remove": Entry(f"{_HERE}.remove:remove", "Remove an account and all its mail."),
    }


app = typer.Typer(cls=UserGroup, no_args_is_help=True, add_completion=False)


@app.callback()
def user() -> None:
    """Add, list, change and remove accounts."""
