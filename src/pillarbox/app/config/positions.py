"""Which line of a TOML file a setting stands on.

``tomllib`` does not say. Rather than write a second TOML parser, its own is asked once
more: a file that parses as a whole is a row of statements, and a statement is the
smallest run of lines that parses by itself. That is quadratic in the length of one
statement, so it is done only when there is a fault to report.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any


class Positions:
    """The lines of the settings in *text*, a whole file that is known to parse."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text

    def naming(self, *path: str) -> Callable[[], str]:
        """A function that says ``FILE:LINE`` of the setting *path* (or of what it is in).

        In a list of tables a path counts them, from 0: ``("tls", "sni", "0", "key")``.
        """
        return lambda: self._name(path)

    def _name(self, path: tuple[str, ...]) -> str:
        shorter = (path[:length] for length in range(len(path), 0, -1))
        line = next((self._lines[start] for start in shorter if start in self._lines), None)
        return f"{self._file}:{line}" if line else self._file

    @cached_property
    def _lines(self) -> dict[tuple[str, ...], int]:
        lines: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        items: Counter[tuple[str, ...]] = Counter()
        for number, statement, parsed in _statements(self._text):
            if statement.lstrip().startswith("["):
                table = _first_path(parsed)
                if statement.lstrip().startswith("[["):
                    items[table] += 1
                    table = (*table, str(items[table] - 1))
                paths = [table]
            else:
                paths = [table + path for path in _paths(parsed)]
            for path in paths:
                for length in range(1, len(path) + 1):
                    lines.setdefault(path[:length], number)
        return lines


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """``(first line's number, statement, what it says)`` of all statements that say something."""
    start, statement = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        statement = f"{statement}{line}\n"
        try:
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if parsed:
            yield start, statement, parsed
        start, statement = number + 1, ""


def _paths(parsed: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Every path in nested tables, the outer ones too."""
    for key, value in parsed.items():
        yield (key,)
        if isinstance(value, dict):
            for rest in _paths(value):
                yield (key, *rest)


def _first_path(parsed: Any) -> tuple[str, ...]:
    """The path that a header names: each of its tables has one key, or is empty."""
    path: tuple[str, ...] = ()
    while parsed:
        if isinstance(parsed, list):
            parsed = parsed[0]
            continue
        key = next(iter(parsed))
        path, parsed = (*path, key), parsed[key]
    return path
