"""What somebody wants of ``pillarbox read``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class ReadWish(NamedTuple):
    config: Path | None = None
    """As ``--config``."""
    overrides: tuple[str, ...] = ()
    """As ``--set``."""
    options: Mapping[str, str] = {}
    """Settings of ``[reader]`` given on the command line, by their keys."""
    state: str | None = None
    """As of ``pillarbox fetch``: where its journals are."""
    browser: bool = True
    """Open one."""
    reindex: bool = False
    new_password: bool = False
    """Ask for another one."""
    with_stdin: bool = False
    """End when standard input does."""
