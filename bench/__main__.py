"""``python -m bench [--quick] [--json FILE] [--only WORD]``: the server; ``python -m bench fetch
[--quick] [--rounds N] [--without WORD]``: the collector.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import works
from bench.fetch.rounds import main as collect
from bench.handshakes import VERSIONS, handshakes
from bench.office import Office, office

Work = Callable[[Office, int], works.Figure | Iterable[works.Figure]]


def plan(running: Office, share: float) -> list[tuple[str, Work, int]]:
    """Name, work and operations a round."""

    def of(operations: int) -> int:
        return max(int(operations * share), 50)

    tls = running.tls
    return [
        ("limit session retr pipelined", works.at_limit, of(1000)),
        ("session", works.sessions, of(1000)),
        ("session tls", partial(works.sessions, tls=tls), of(300)),
        ("retr", works.retrieve, of(5000)),
        ("retr tls", partial(works.retrieve, tls=tls), of(3000)),
        ("pipelined", partial(works.retrieve, batch=50), of(10000)),
        ("pipelined tls", partial(works.retrieve, batch=50, tls=tls), of(5000)),
        ("large", works.large, of(60)),
        ("large tls", partial(works.large, tls=tls), of(60)),
        ("idle", works.idle, of(1000)),
        ("idle tls", partial(works.idle, secured=True), of(1000)),
        ("100000", works.hundred_thousand, 1),
        *_handshakes(of(500)),
        ("lmtp 1", partial(works.deliveries, connections=1), of(500)),
        ("lmtp 32", partial(works.deliveries, connections=32), of(1600)),
    ]


def _handshakes(operations: int) -> Iterator[tuple[str, Work, int]]:
    for version in VERSIONS:
        for resumed in (False, True):
            work = partial(handshakes, version=version, resumed=resumed)
            yield f"handshake {version}", work, operations
    yield "handshake rsa", partial(handshakes, version="1.3", resumed=False, rsa=True), operations


def rounds(running: Office, times: int, share: float, only: str) -> Iterator[works.Figure]:
    """Every work in turn, and again, so that the machine's moods hit all alike."""
    for _ in range(times):
        for name, work, operations in plan(running, share):
            if only in name:
                figures = work(running, operations)
                yield from [figures] if isinstance(figures, works.Figure) else figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, less in each")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    parser.add_argument("--only", default="", help="works whose name holds this word")
    arguments = parser.parse_args()
    times, share = (2, 0.2) if arguments.quick else (5, 1.0)
    results: dict[str, list[works.Figure]] = {}
    with tempfile.TemporaryDirectory(prefix="pillarbox-bench-") as folder:
        maildrops = dict(works.MAILDROPS)
        if arguments.only and "100000" not in arguments.only:
            del maildrops["hundred-thousand"]
        with office(Path(folder), maildrops) as running:
            for figure in rounds(running, times, share, arguments.only):
                results.setdefault(figure.work, []).append(figure)
    show(results)
    if arguments.json:
        arguments.json.write_text(
            json.dumps({work: [vars(f) for f in figures] for work, figures in results.items()})
        )


def show(results: dict[str, list[works.Figure]]) -> None:
    table = Table("work", "server CPU", "lowest", "highest", "per second")
    for work, figures in results.items():
        values = [figure.value for figure in figures]
        wall = statistics.median(figure.wall for figure in figures)
        row = [f"{value:,.2f}" for value in (statistics.median(values), min(values), max(values))]
        row[0] += f" {figures[0].unit}"
        table.add_row(work, *row, f"{wall:,.0f}" if 1 < wall < 1e6 else "")
    Console().print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["fetch"]:
        collect(sys.argv[2:])
    else:
        main()
