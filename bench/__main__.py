"""``python -m bench [--quick | --share S] [--only WORD] [--without WORD] [--rounds N] [--write]``: the
server, beside others; ``python -m bench fetch [--quick] [--rounds N] [--without WORD]``: the collector;
``python -m bench cluster [--quick] [--rounds N] [--only WORD] [--write]``: a cluster.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console

from bench.fetch.rounds import main as collect
from bench.kept import Kept, Run, of_run, read
from bench.page import page
from bench.run import Result, measure
from bench.table import Works, summed_up, table

_QUICK = 0.1
_WIDTH = 160
"""Columns that the table wants."""
_DOCS = Path(__file__).parents[1] / "docs"
_KEPT = _DOCS / "benchmarks.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, two rounds")
    parser.add_argument("--share", type=float, default=1.0, help="0.3: so much of everything")
    parser.add_argument("--rounds", type=int, help="how many")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write docs/benchmarks.md anew; with --only: the figures of these works",
    )
    parser.add_argument("--only", default="", help="works whose name holds this word")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="WORD",
        help="without servers whose name holds this word; may be given several times",
    )
    arguments = parser.parse_args()

    def without(name: str) -> bool:
        return any(word.lower() in name.lower() for word in arguments.without)

    times = arguments.rounds or (2 if arguments.quick else 5)
    share = _QUICK if arguments.quick else arguments.share
    result = measure(share, times, arguments.only, without)
    _show(summed_up(result.figures), result)
    if arguments.write:
        command = " ".join(["python -m bench", *sys.argv[1:]])
        run = Run(time.strftime("%Y-%m-%d"), command, times, [])
        found = of_run(result.figures, result.notes, result.servers, run)
        _write(read(_KEPT).renewed_by(found) if arguments.only else found)
    if any(note.failed for note in result.notes):
        sys.exit("A server has failed: see above.")


def _show(works: Works, result: Result) -> None:
    console = Console(width=max(Console().width, _WIDTH))
    console.print(table(works))
    for note in result.notes:
        console.print(f"{note.work}, {note.peer}: {note.text}", highlight=False, markup=False)


def _write(kept: Kept) -> None:
    from bench.plots import draw  # noqa: PLC0415 -- their library is an extra

    kept.write(_KEPT)
    plots = draw(_DOCS / "images", summed_up(kept.figures))
    (_DOCS / "benchmarks.md").write_text(page(kept, plots))


if __name__ == "__main__":
    if sys.argv[1:2] == ["fetch"]:
        collect(sys.argv[2:])
    elif sys.argv[1:2] == ["cluster"]:
        from bench.cluster.rounds import main as cluster  # libraries of an extra

        cluster(sys.argv[2:])
    else:
        main()
