"""``python -m bench [--quick] [--only WORD] [--without WORD] [--rounds N] [--write]``: the server,
beside others; ``python -m bench fetch [--quick] [--rounds N] [--without WORD]``: the collector.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from bench.fetch.rounds import main as collect
from bench.figures import Figure
from bench.peers.contract import Peer
from bench.peers.courier import courier
from bench.peers.cyrus import cyrus
from bench.peers.dovecot import dovecot
from bench.peers.limit import limit
from bench.peers.pillarbox import pillarbox
from bench.peers.processes import CannotRun
from bench.table import table
from bench.works.common import CannotDo
from bench.works.mail import maildrops
from bench.works.plan import Work, apart, plan

_QUICK = 0.1


@contextmanager
def open_peers(share: float, without: str) -> Iterator[list[Peer]]:
    """Every server that can be run here, ours first; says which cannot."""
    mail = maildrops(share)
    others = {
        "Dovecot, fast": lambda: dovecot(mail, "fast"),
        "Dovecot, default": lambda: dovecot(mail, "default"),
        "Courier": lambda: courier(mail),
        "Cyrus": lambda: cyrus(mail),
    }
    with ExitStack() as opened:
        ours = opened.enter_context(pillarbox(mail))
        peers = [ours, opened.enter_context(limit(ours))]
        for name, server in others.items():
            if without and without.lower() in name.lower():
                continue
            try:
                peers.append(opened.enter_context(server()))
            except CannotRun as error:
                print(f"without {name}: {error}", file=sys.stderr)
        yield peers


def rounds(peers: Sequence[Peer], works: Sequence[Work], times: int) -> Iterator[Figure]:
    """Every work by every server in turn, and again, so that the machine's moods hit all alike."""
    for number in range(times):
        for work in works:
            # Who comes first changes: each follows each.
            turned = [*peers[number % len(peers) :], *peers[: number % len(peers)]]
            for peer in turned:
                if (peer.limit and not work.by_heart) or (work.delivers and peer.lmtp is None):
                    continue
                began = time.perf_counter()
                try:
                    found = work.run(peer)
                    yield from [found] if isinstance(found, Figure) else found
                    done = f"{time.perf_counter() - began:.1f} s"
                except CannotDo as error:
                    done = str(error)
                print(f"round {number + 1}: {work.name}: {peer.name}: {done}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, two rounds")
    parser.add_argument("--rounds", type=int, help="how many")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    parser.add_argument("--only", default="", help="works whose name holds this word")
    parser.add_argument("--without", default="", help="without servers whose name holds this word")
    arguments = parser.parse_args()
    share = _QUICK if arguments.quick else 1.0
    times = arguments.rounds or (2 if arguments.quick else 5)
    works = [work for work in plan(share) if arguments.only in work.name]
    figures: list[Figure] = []
    names: list[str] = []
    if works:
        with open_peers(share, arguments.without) as peers:
            names = [peer.name for peer in peers]
            figures.extend(rounds(peers, works, times))
    for name, work in apart(share).items():
        for _ in range(times if arguments.only in name else 0):
            figures.extend(work())
    names += sorted({figure.peer for figure in figures}.difference(names))
    Console(width=max(Console().width, 160)).print(table(figures, names))
    if arguments.json:
        arguments.json.write_text(json.dumps([vars(figure) for figure in figures]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["fetch"]:
        collect(sys.argv[2:])
    else:
        main()
