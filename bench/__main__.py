"""``python -m bench [--quick] [--only WORD] [--without WORD] [--rounds N] [--write]``: the server,
beside others; ``python -m bench fetch [--quick] [--rounds N] [--without WORD]``: the collector.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from bench.fetch.rounds import main as collect
from bench.page import page
from bench.run import Result, measure
from bench.table import Works, summed_up, table

_QUICK = 0.1
_WIDTH = 160
"""Columns that the table wants."""
_DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, two rounds")
    parser.add_argument("--rounds", type=int, help="how many")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md anew")
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
    result = measure(_QUICK if arguments.quick else 1.0, times, arguments.only, without)
    works = summed_up(result.figures)
    _show(works, result)
    if arguments.write:
        _write(works, result, times, "QUICK=1" if arguments.quick else "")
    if any(note.failed for note in result.notes):
        sys.exit("A server has failed: see above.")


def _show(works: Works, result: Result) -> None:
    console = Console(width=max(Console().width, _WIDTH))
    console.print(table(works))
    for note in result.notes:
        console.print(f"{note.work}, {note.peer}: {note.text}", highlight=False, markup=False)


def _write(works: Works, result: Result, rounds: int, options: str) -> None:
    from bench.plots import draw  # noqa: PLC0415 -- their library is an extra

    kept = {
        "figures": [vars(figure) for figure in result.figures],
        "notes": [vars(note) for note in result.notes],
    }
    (_DOCS / "benchmarks.json").write_text(json.dumps(kept, indent=1) + "\n")
    plots = draw(_DOCS / "images", works)
    text = page(works, result.notes, result.servers, plots, rounds=rounds, options=options)
    (_DOCS / "benchmarks.md").write_text(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["fetch"]:
        collect(sys.argv[2:])
    else:
        main()
