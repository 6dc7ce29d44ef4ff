"""The plots of ``docs/benchmarks.md``. Their library is an extra (``bench``)."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

from bench.table import OURS, Works

mpl.use("svg")
import matplotlib.pyplot as plt

_COLOURS = {
    OURS: "#C8102E",
    "limit: bare uvloop": "#bbbbbb",
    "limit: C": "#dddddd",
    "Dovecot, fast": "#4d6b8a",
    "Dovecot, default": "#8aa5bf",
    "Courier": "#b59a57",
    "Cyrus": "#6f8f5f",
}


def draw(folder: Path, works: Works) -> list[tuple[str, str]]:
    """One plot for each unit: bars of all servers, on a logarithmic scale. Title and file of each."""
    folder.mkdir(parents=True, exist_ok=True)
    by_unit: dict[str, list[str]] = {}
    for work, by_peer in works.items():
        if len(by_peer) > 1:
            by_unit.setdefault(next(iter(by_peer.values())).unit, []).append(work)
    titles = {
        "µs": "CPU for each operation, microseconds",
        "ms": "CPU for each operation, milliseconds",
        "kB": "memory of a session, kB",
        "ns/byte": "CPU for each byte, nanoseconds",
    }
    made = []
    for unit, names in by_unit.items():
        title = titles[unit]
        name = f"bench-{unit.replace('/', '-').replace('µ', 'u')}.svg"
        _plot(folder / name, title, {work: works[work] for work in names})
        made.append((title, name))
    return made


def _plot(path: Path, title: str, works: Works) -> None:
    peers = list(dict.fromkeys(peer for by_peer in works.values() for peer in by_peer))
    height = 0.8 / len(peers)
    figure, axes = plt.subplots(figsize=(9, 0.3 + 0.2 * len(peers) * len(works)))
    for place, peer in enumerate(peers):
        spots = [n for n, by_peer in enumerate(works.values()) if peer in by_peer]
        values = [max(by_peer[peer].value, 1e-3) for by_peer in works.values() if peer in by_peer]
        axes.barh(
            [spot + place * height for spot in spots],
            values,
            height,
            label=peer,
            color=_COLOURS.get(peer, "#999999"),
        )
    axes.set_yticks([n + 0.4 - height / 2 for n in range(len(works))], list(works))
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_title(title)
    axes.legend(fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    mpl.rcParams["svg.hashsalt"] = "pillarbox"  # so that the same figures are the same file
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
