"""The command ``pillarbox``.

``root``        the options before the subcommand; the table of commands
``lazy``        groups that import a command when it is used
``invocation``  from those options to the configuration
``exits``       errors to sentences and exit codes
``storage``     opening accounts and store as the right user
``output``      columns, JSON, text that is safe for a terminal

Everything else is one file a command.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any

from pillarbox.app.collecting.arguments import quick_wish
from pillarbox.app.standard_streams import open_closed_ones

if TYPE_CHECKING:
    from pillarbox.app.cli.root import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line of this process; ends it with the exit code."""
    open_closed_ones()
    wish = quick_wish(sys.argv[1:], os.environ)
    if wish is not None:
        # Modules stay to the end: to look through them for garbage, again and again while they
        # load, is a twentieth of what a poll costs.
        gc.disable()
        from pillarbox.app.collecting.command import run  # noqa: PLC0415 -- only for this command

        gc.freeze()
        gc.enable()
        sys.exit(run(wish))
    from pillarbox.app.cli.root import app  # noqa: PLC0415 -- Typer takes a while to load

    app(prog_name="pillarbox")


def __getattr__(name: str) -> Any:
    """``app``, loaded when it is asked for (PEP 562)."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pillarbox.app.cli.root import app  # noqa: PLC0415 -- as above

    return app
