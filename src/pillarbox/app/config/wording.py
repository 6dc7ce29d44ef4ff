"""What sentences about faults are made of: values as TOML has them, and near misses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_LINE = 60
"""Characters of a value that fit a line."""


def show(value: Any) -> str:
    """A value as TOML would have it, cut to a length that fits a line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        text = f"[{', '.join(map(show, value))}]"
    else:
        text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _LINE else f"{text[: _LINE - 3]}…"


def nearest(word: str, candidates: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Which of *candidates* somebody may have meant by *word*."""
    from difflib import get_close_matches  # noqa: PLC0415 -- only when something is wrong

    near = get_close_matches(word.lower(), list(candidates), n=1, cutoff=cutoff)
    return near[0] if near else None
