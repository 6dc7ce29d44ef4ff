"""What stands before the subcommand: which configuration, and whether to be chatty.

Every command gets it as ``context.obj`` and asks :func:`configuration` for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from pillarbox.app.config import Config, load


@dataclass(frozen=True, slots=True)
class Invocation:
    """The options of ``pillarbox`` itself."""

    file: Path | None = None
    overrides: tuple[str, ...] = ()
    debug: bool = False


def configuration(context: typer.Context, *, serving: bool = False) -> Config:
    """The configuration for this command; ``serving`` for one that starts a server.

    Raises:
        ConfigError: with every fault.
    """
    invocation = context.find_object(Invocation) or Invocation()
    return load(invocation.file, invocation.overrides, serving=serving)
