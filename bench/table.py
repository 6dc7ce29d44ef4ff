"""The figures as a table for the terminal: one row a work, one column a server."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from bench.figures import Figure, summary

OURS = "Pillarbox"


def grouped(figures: Sequence[Figure]) -> dict[str, dict[str, list[Figure]]]:
    """By work, then by server; in the order in which they came."""
    by_work: dict[str, dict[str, list[Figure]]] = {}
    for figure in figures:
        by_work.setdefault(figure.work, {}).setdefault(figure.peer, []).append(figure)
    return by_work


def table(figures: Sequence[Figure]) -> Table:
    """Medians; the last column is ours as a fraction of the best of the others."""
    peers = list(dict.fromkeys(figure.peer for figure in figures))
    shown = Table("work", "unit", *peers, "ours / best other")
    for work, by_peer in grouped(figures).items():
        values = {peer: summary(found) for peer, found in by_peer.items()}
        others = [s.value for peer, s in values.items() if peer != OURS and not is_limit(peer)]
        ratio = f"{values[OURS].value / min(others):.2f}" if others and OURS in values else ""
        cells = [f"{values[peer].value:,.2f}" if peer in values else "" for peer in peers]
        shown.add_row(work, next(iter(values.values())).unit, *cells, ratio)
    return shown


def is_limit(peer: str) -> bool:
    return peer.startswith("limit")
