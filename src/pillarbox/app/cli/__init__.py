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

from pillarbox.app.cli.root import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line of this process; ends it with the exit code."""
    app(prog_name="pillarbox")
