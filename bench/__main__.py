"""``python -m bench [--quick] [--only WORD] [--without WORD] [--rounds N] [--write]``: the server,
beside others; ``python -m bench fetch [--quick] [--rounds N] [--without WORD]``: the collector.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

from bench.fetch.rounds import main as collect
from bench.figures import Figure, Finding, Note
from bench.page import page
from bench.peers.contract import Peer
from bench.peers.courier import courier
from bench.peers.cyrus import cyrus
from bench.peers.dovecot import dovecot
from bench.peers.limit import limit
from bench.peers.limit_in_c import limit_in_c
from bench.peers.pillarbox import pillarbox
from bench.peers.processes import CannotRun
from bench.table import summed_up, table
from bench.works.common import CannotDo
from bench.works.mail import maildrops
from bench.works.plan import Work, apart, plan

_QUICK = 0.1
_WIDTH = 160
"""Columns that the table wants."""
_OPEN_FILES = 65_536
"""More than ten thousand sessions take of one process, where a server keeps two for each."""
_DOCS = Path(__file__).parents[1] / "docs"


@contextmanager
def open_peers(
    share: float, without: Callable[[str], bool], notes: list[Note]
) -> Iterator[list[Peer]]:
    """Every server that can be run here, ours first; *notes* gets which cannot, and why."""
    mail = maildrops(share)
    with ExitStack() as opened:
        ours = opened.enter_context(pillarbox(mail))
        peers = [ours, opened.enter_context(limit(ours))]
        others: dict[str, Callable[[], AbstractContextManager[Peer]]] = {
            "limit: C": partial(limit_in_c, ours),
            "Dovecot, fast": partial(dovecot, mail, "fast"),
            "Dovecot, default": partial(dovecot, mail, "default"),
            "Courier": partial(courier, mail),
            "Cyrus": partial(cyrus, mail),
        }
        for name, server in others.items():
            if without(name):
                continue
            try:
                peers.append(opened.enter_context(server()))
            except CannotRun as error:
                notes.append(Note("all", name, str(error)))
                print(f"without {name}: {error}", file=sys.stderr)
        yield peers


def rounds(peers: Sequence[Peer], works: Sequence[Work], times: int) -> Iterator[Finding]:
    """Every work by every server in turn, and again, so that the machine's moods hit all alike."""
    for number in range(times):
        for work in works:
            # Who comes first changes: each follows each.
            turned = [*peers[number % len(peers) :], *peers[: number % len(peers)]]
            for peer in turned:
                if not work.suits(peer) or (work.once and number):
                    continue
                began = time.perf_counter()
                try:
                    found = work.run(peer)
                    yield from [found] if isinstance(found, Figure) else found
                    done = f"{time.perf_counter() - began:.1f} s"
                except CannotDo as error:
                    done = str(error)
                    yield Note(work.name, peer.name, done)
                print(f"round {number + 1}: {work.name}: {peer.name}: {done}", file=sys.stderr)


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
    share = _QUICK if arguments.quick else 1.0
    times = arguments.rounds or (2 if arguments.quick else 5)
    works = [work for work in plan(share) if arguments.only in work.name]

    def without(name: str) -> bool:
        return any(word.lower() in name.lower() for word in arguments.without)

    _lift_open_files()
    found: list[Finding] = []
    notes: list[Note] = []
    peers: list[Peer] = []
    if works:
        with open_peers(share, without, notes) as opened:
            peers = opened
            found.extend(rounds(peers, works, times))
    for name, work in apart(share, times, without).items():
        if arguments.only in name:
            found.extend(_timed(name, work()))
    figures = [each for each in found if isinstance(each, Figure)]
    notes += [each for each in found if isinstance(each, Note)]
    notes = list(dict.fromkeys(notes))  # each round says the same
    console = Console(width=max(Console().width, _WIDTH))
    works_done = summed_up(figures)
    console.print(table(works_done))
    for note in notes:
        console.print(f"{note.work}, {note.peer}: {note.text}", highlight=False, markup=False)
    if arguments.write:
        kept = {
            "figures": [vars(figure) for figure in figures],
            "notes": [vars(note) for note in notes],
        }
        (_DOCS / "benchmarks.json").write_text(json.dumps(kept, indent=1) + "\n")
        from bench.plots import draw  # noqa: PLC0415 -- their library is an extra

        text = page(
            works_done,
            notes,
            [(peer.name, peer.version) for peer in peers],
            draw(_DOCS / "images", works_done),
            rounds=times,
            options="QUICK=1" if arguments.quick else "",
        )
        (_DOCS / "benchmarks.md").write_text(text)


def _timed(name: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    began = time.perf_counter()
    yield from findings
    print(f"{name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)


def _lift_open_files() -> None:
    """As many as may be, for the driver and the servers that it starts: a session is one in each."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for files in (max(hard, _OPEN_FILES), hard):
        with contextlib.suppress(ValueError, OSError):  # only root may go beyond the hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
            return


if __name__ == "__main__":
    if sys.argv[1:2] == ["fetch"]:
        collect(sys.argv[2:])
    else:
        main()
