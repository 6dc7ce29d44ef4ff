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
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pillarbox.app.collecting.arguments import quick_wish
from pillarbox.app.reading.arguments import quick_wish as quick_read_wish
from pillarbox.app.standard_streams import open_closed_ones

if TYPE_CHECKING:
    from pillarbox.app.cli.root import app
    from pillarbox.app.exits import ExitCode

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line of this process; ends it with the exit code."""
    open_closed_ones()
    quick = _quick()
    if quick is not None:
        sys.exit(quick())
    from pillarbox.app.cli.root import app  # noqa: PLC0415 -- Typer takes a while to load

    app(prog_name="pillarbox")


def _quick() -> Callable[[], ExitCode] | None:
    """What does what the command line asks for, without Typer; None: that is Typer's.

    Modules stay to the end: to look through them for garbage, again and again while they load, is a twentieth
    of what a poll costs, and a tenth of a reader's start.
    """
    gc.disable()
    try:
        if (wish := quick_wish(sys.argv[1:], os.environ)) is not None:
            from pillarbox.app.collecting.command import run as fetch  # noqa: PLC0415 -- only for this command

            return partial(fetch, wish)
        if (wanted := quick_read_wish(sys.argv[1:], os.environ)) is not None:
            from pillarbox.app.reading.parts import run as read  # noqa: PLC0415 -- only for this command

            return partial(read, wanted.wish, debug=wanted.debug)
        return None
    finally:
        gc.freeze()
        gc.enable()


def __getattr__(name: str) -> Any:
    """``app``, loaded when it is asked for (PEP 562)."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pillarbox.app.cli.root import app  # noqa: PLC0415 -- as above

    return app
