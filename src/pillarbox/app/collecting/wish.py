"""What the command line of ``pillarbox fetch`` asks for, taken apart and no more.

What it means is found out in :mod:`.choices`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Wish(NamedTuple):
    """The command line."""

    what: tuple[str, ...] = ()
    """Names of accounts, or one URL."""
    values: Mapping[str, str] = {}
    """Options that have a value, by name (:data:`pillarbox.app.collecting.arguments.OPTIONS`)."""
    flags: frozenset[str] = frozenset()
    """Options that have none."""
    config: Path | None = None
    """``--config``."""
    overrides: tuple[str, ...] = ()
    """``--set``."""
    debug: bool = False


def spelling(name: str) -> str:
    """How the option of this name is written: ``max_size`` is ``--max-size``."""
    return f"--{name.replace('_', '-')}"
