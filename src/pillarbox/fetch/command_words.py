"""A command as users write it, in one line."""

from __future__ import annotations

import os
import shlex


def words_of(command: str) -> list[str]:
    """The words of *command*, split as a shell would; ``~/`` at the beginning of one is the home
    folder. No shell is involved.

    Raises:
        ValueError: a quotation or an escape has no end.
    """
    return [_at_home(word) for word in shlex.split(command)]


def _at_home(word: str) -> str:
    return os.path.expanduser(word) if word.startswith("~/") else word  # noqa: PTH111 -- never raises
