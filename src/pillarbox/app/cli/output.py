"""What commands print: columns for people, JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import typer

from pillarbox.app.texts import printable


def show_json(value: Any) -> None:
    """Print *value* as indented JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def show_columns(headings: Sequence[str], rows: Iterable[Sequence[Any]], indent: str = "") -> None:
    """Print rows under headings; numbers to the right, the last column as it is."""
    table = [list(map(printable, map(str, row))) for row in rows]
    numeric = [all(row[i].isdecimal() for row in table) for i in range(len(headings))]
    widths = [max(map(len, column)) for column in zip(headings, *table, strict=True)]
    for row in [list(headings), *table]:
        cells = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numeric, strict=True)
        ]
        typer.echo(indent + "  ".join(cells).rstrip())
