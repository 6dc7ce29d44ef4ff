"""``docs/benchmarks.md`` and its plots, made from the figures of one run."""

from __future__ import annotations

import os
import platform
import sqlite3
import ssl
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

from bench.figures import Figure, Note, Summary, summary
from bench.goals import goal
from bench.peers.contract import Peer
from bench.table import OURS, grouped, is_limit

mpl.use("svg")
import matplotlib.pyplot as plt

_PAGE = """\
# Benchmarks

Made by `make bench`{options}: this page, its plots and `benchmarks.json` are written anew by each run.

{machine}

The figure is the CPU time of the server for each operation, over all its processes, those too
that have ended, in user and kernel mode; for idle sessions it is memory (PSS). All servers run
side by side with the same mail and take turns at each work, {rounds} rounds; medians count. The
driver checks every reply. How each server is configured is in `bench/peers/`; *fast* is what
Dovecot's documentation names to make it fast, *default* what Debian ships. The *limit* is a bare
uvloop server that knows the replies by heart and sends the same bytes in the same round trips:
nothing in Python on this event loop can be cheaper. *limit: C* is the same in C on `epoll`, in
clear: what the kernel takes of it.

{servers}

## All figures

{table}

*ours / best* is Pillarbox's figure as a fraction of the best of the others; *goal* is what that
fraction is to be at most. In brackets the lowest and the highest round.

{shortfalls}

{notes}

## By the clock

Operations in a second, driver and server on the same machine; p99 is the time of the slowest
hundredth, in milliseconds. Sessions and RETR of 5 kB are driven by eight clients in lockstep
(each says its words, then all hear their replies), so that the server is busy; LMTP by as many
as it says; the rest by one.

{clock}

{plots}
"""


def write(
    folder: Path,
    figures: Sequence[Figure],
    notes: Sequence[Note],
    peers: Sequence[Peer],
    *,
    rounds: int,
    options: str = "",
) -> None:
    """Write ``benchmarks.md`` and the plots into *folder*."""
    works = {
        work: {peer: summary(found) for peer, found in by_peer.items()}
        for work, by_peer in grouped(figures).items()
    }
    names = list(dict.fromkeys(figure.peer for figure in figures))
    plots = _plots(folder / "images", works)
    text = _PAGE.format(
        options=f" ({options})" if options else "",
        machine=_machine(),
        rounds=rounds,
        servers=_servers(peers),
        table=_table(works, names),
        shortfalls=_shortfalls(works),
        notes=_notes(notes),
        clock=_clock(works, names),
        plots="\n".join(f"![{title}](images/{name})" for title, name in plots),
    )
    (folder / "benchmarks.md").write_text(text)


def _machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores of {model}, Linux {platform.release()},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version},"
        f" {ssl.OPENSSL_VERSION.rsplit(' ', 3)[0]}. Command: `{' '.join(['python -m bench', *sys.argv[1:]])}`."
    )


def _servers(peers: Iterable[Peer]) -> str:
    rows = [f"| {peer.name} | {peer.version} |" for peer in peers]
    return "\n".join(["| server | version |", "| --- | --- |", *rows])


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _cell(found: Summary | None) -> str:
    if found is None:
        return ""
    return f"{_number(found.value)} ({_number(found.lowest)} to {_number(found.highest)})"


def ratio(by_peer: Mapping[str, Summary]) -> float | None:
    """Ours as a fraction of the best other."""
    others = [s.value for peer, s in by_peer.items() if peer != OURS and not is_limit(peer)]
    ours = by_peer.get(OURS)
    return ours.value / min(others) if ours and others and min(others) > 0 else None


def _table(works: Mapping[str, Mapping[str, Summary]], names: Sequence[str]) -> str:
    head = ["work", "unit", *names, "ours / best", "goal"]
    lines = [_row(head), _row(["---"] * len(head))]
    for work, by_peer in works.items():
        share, wanted = ratio(by_peer), goal(work)
        unit = next(iter(by_peer.values())).unit
        cells = [_cell(by_peer.get(name)) for name in names]
        told = "" if share is None else f"**{share:.2f}**"
        lines.append(_row([work, unit, *cells, told, "" if wanted is None else f"{wanted:.2f}"]))
    return "\n".join(lines)


def _shortfalls(works: Mapping[str, Mapping[str, Summary]]) -> str:
    short = []
    for work, by_peer in works.items():
        share, wanted = ratio(by_peer), goal(work)
        if share is not None and wanted is not None and share > wanted:
            short.append(f"- {work}: {share:.2f} where {wanted:.2f} is wanted")
    if not short:
        return "All goals are met in this run."
    return "\n".join(["Goals that this run misses:", "", *short])


def _notes(notes: Sequence[Note]) -> str:
    if not notes:
        return ""
    told = [f"- {note.work}, {note.peer}: {note.text}" for note in notes]
    return "\n".join(["What was not measured, or not whole:", "", *told])


def _clock(works: Mapping[str, Mapping[str, Summary]], names: Sequence[str]) -> str:
    head = ["work", *names]
    lines = [_row(head), _row(["---"] * len(head))]
    for work, by_peer in works.items():
        if not any(found.per_second > 1 for found in by_peer.values()):
            continue
        cells = []
        for name in names:
            found = by_peer.get(name)
            late = f" (p99 {_number(found.p99)})" if found and found.p99 else ""
            cells.append(f"{_number(found.per_second)}{late}" if found else "")
        lines.append(_row([work, *cells]))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plots(folder: Path, works: Mapping[str, Mapping[str, Summary]]) -> list[tuple[str, str]]:
    """One plot for each unit: bars of all servers, on a logarithmic scale."""
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


def _plot(path: Path, title: str, works: Mapping[str, Mapping[str, Summary]]) -> None:
    peers = list(dict.fromkeys(peer for by_peer in works.values() for peer in by_peer))
    colours = {OURS: "#C8102E"} | dict(
        zip(
            (p for p in peers if p != OURS),
            ("#bbbbbb", "#4d6b8a", "#8aa5bf", "#b59a57", "#6f8f5f"),
            strict=False,
        )
    )
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
            color=colours[peer],
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
