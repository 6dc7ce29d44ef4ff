"""The text of ``docs/benchmarks.md``, made from what is kept."""

from __future__ import annotations

import os
import platform
import sqlite3
import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.figures import Note, Summary
from bench.goals import goal
from bench.kept import Kept, Run
from bench.obstacles import obstacle
from bench.table import BARE, Works, ratio, summed_up

_PAGE = """\
# Benchmarks

Made by `make bench`: this page, its plots and `benchmarks.json` are written anew by each run with `--write`.

{machine}

{runs}

The figure is the CPU time of the server for each operation, over all its processes, those too
that have ended, in user and kernel mode; for idle sessions it is memory (PSS). All servers run
side by side with the same mail and take turns at each work, several rounds; medians count. (What
takes long, or would find what the first time has left, is done once: idle sessions, the day of a provider.) The driver checks every
reply. *Cold* is the first session in a maildrop since its server was started; the kernel may have
its files all the same. All servers keep passwords that cost next to nothing to check, but for the work
that says Argon2id. How each server is configured is in `bench/peers/`; *fast* is what
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


Plots = Iterable[tuple[str, str]]
"""Title, and name of the file."""


def page(kept: Kept, plots: Plots) -> str:
    """The page."""
    works = summed_up(kept.figures)
    names = list(dict.fromkeys(peer for by_peer in works.values() for peer in by_peer))
    return _PAGE.format(
        machine=_machine(),
        runs=_runs(kept.runs),
        servers=_servers(kept.servers.items()),
        table=_table(works, names),
        shortfalls=_shortfalls(works),
        notes=_notes(kept.notes),
        clock=_clock(works, names),
        plots="\n".join(f"![{title}](images/{name})" for title, name in plots),
    )


def _runs(runs: Sequence[Run]) -> str:
    """How the figures were made; the works of each run, if there were several."""
    told = []
    for run in runs:
        which = f": {', '.join(run.works)}" if len(runs) > 1 else ""
        told.append(f"- {run.date}, `{run.command}`, {run.rounds} rounds{which}")
    return "\n".join(told)


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
        f"{os.cpu_count()} cores of {model}, Linux {platform.release().partition('-')[0]},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version},"
        f" {ssl.OPENSSL_VERSION.rsplit(' ', 3)[0]}."
    )


def _servers(servers: Iterable[tuple[str, str]]) -> str:
    rows = [_row(server) for server in servers]
    return "\n".join(["| server | version |", "| --- | --- |", *rows])


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _cell(found: Summary | None) -> str:
    if found is None:
        return ""
    return f"{_number(found.value)} ({_number(found.lowest)} to {_number(found.highest)})"


def _table(works: Works, names: Sequence[str]) -> str:
    head = ["work", "unit", *names, "ours / best", "goal"]
    lines = [_row(head), _row(["---"] * len(head))]
    for work, by_peer in works.items():
        share, wanted = ratio(by_peer), goal(work)
        unit = next(iter(by_peer.values())).unit
        cells = [_cell(by_peer.get(name)) for name in names]
        told = "" if share is None else f"**{share:.2f}**"
        lines.append(_row([work, unit, *cells, told, "" if wanted is None else f"{wanted:.2f}"]))
    return "\n".join(lines)


def _shortfalls(works: Works) -> str:
    short = []
    for work, by_peer in works.items():
        share, wanted = ratio(by_peer), goal(work)
        if share is None or wanted is None or share <= wanted:
            continue
        bare = ratio(by_peer, BARE)
        limit = "" if bare is None else f" (the bare server: {bare:.2f})"
        short.append(f"- {work}: {share:.2f} where {wanted:.2f} is wanted{limit}. {obstacle(work)}")
    if not short:
        return "All goals are met in this run."
    head = "Goals that this run misses, and what stands in the way:"
    return "\n".join([head, "", *(line.rstrip() for line in short)])


def _notes(notes: Sequence[Note]) -> str:
    if not notes:
        return ""
    peers: dict[tuple[str, str], list[str]] = {}  # one line for all of whom the same is true
    for note in notes:
        peers.setdefault((note.work, note.text), []).append(note.peer)
    told = [f"- {work}: {'; '.join(names)}: {text}" for (work, text), names in peers.items()]
    return "\n".join(["Notes, and what was not measured or not whole:", "", *told])


def _clock(works: Works, names: Sequence[str]) -> str:
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
