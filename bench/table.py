"""The figures as a table for the terminal: one row a work, one column a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from bench.figures import Figure, Summary, summary

OURS = "Pillarbox"
BARE = "limit: bare uvloop"
Works = Mapping[str, Mapping[str, Summary]]
"""By work, then by server."""


def grouped(figures: Sequence[Figure]) -> dict[str, dict[str, list[Figure]]]:
    """By work, then by server; in the order in which they came."""
    by_work: dict[str, dict[str, list[Figure]]] = {}
    for figure in figures:
        by_work.setdefault(figure.work, {}).setdefault(figure.peer, []).append(figure)
    return by_work


def summed_up(figures: Sequence[Figure]) -> Works:
    """Medians."""
    return {
        work: {peer: summary(found) for peer, found in by_peer.items()}
        for work, by_peer in grouped(figures).items()
    }


def ratio(by_peer: Mapping[str, Summary], server: str = OURS) -> float | None:
    """The figure of *server* as a fraction of the best of the others, among which the limits are not."""
    others = [s.value for peer, s in by_peer.items() if peer != OURS and not is_limit(peer)]
    found = by_peer.get(server)
    return found.value / min(others) if found and others and min(others) > 0 else None


def table(works: Works) -> Table:
    """The last column is ours as a fraction of the best of the others."""
    peers = list(dict.fromkeys(peer for by_peer in works.values() for peer in by_peer))
    shown = Table("work", "unit", *peers, "ours / best other")
    for work, values in works.items():
        share = ratio(values)
        cells = [f"{values[peer].value:,.2f}" if peer in values else "" for peer in peers]
        unit = next(iter(values.values())).unit
        shown.add_row(work, unit, *cells, "" if share is None else f"{share:.2f}")
    return shown


def is_limit(peer: str) -> bool:
    return peer.startswith("limit")
