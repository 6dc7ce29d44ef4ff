"""One collection by one collector, measured; and the whole of it, as a table."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from tests.postoffice import PASSWORD
from tests.realservers.server import RealServer

from bench.fetch.drop import OCTETS, fill, open_server
from bench.fetch.peers import Errand, Peer, find_peers

MESSAGES = 10_000
POLLS = 5
"""Looks at the empty maildrop in a round."""


class Cost(NamedTuple):
    """Of one run; in seconds."""

    wall: float
    cpu: float


class Figures:
    """What one collector has cost, over the rounds."""

    def __init__(self) -> None:
        self.collections: list[Cost] = []
        self.polls: list[Cost] = []


def measure(peer: Peer, errand: Errand) -> Cost:
    """Run *peer* once.

    Raises:
        RuntimeError: it failed.
    """
    command = peer.command(errand)
    environment = {"HOME": str(errand.folder), "PATH": os.environ["PATH"], "LC_ALL": "C"}
    log = errand.folder / "log"
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=output
        )
        assert process.stdin is not None
        with process.stdin as pipe:
            pipe.write(f"{PASSWORD}\n".encode())  # for those who ask
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in peer.fine:
        raise RuntimeError(f"{peer.name} failed:\n{log.read_text(errors='replace')[-2000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime)


def one_round(peer: Peer, server: RealServer, count: int, figures: Figures) -> None:
    """Fill the maildrop, have *peer* empty it, and look at the empty one."""
    fill(server, count)
    with tempfile.TemporaryDirectory(prefix="pillarbox-bench-") as name:
        errand = Errand(server.way(), Path(name))
        figures.collections.append(measure(peer, errand))
        if (found := peer.collected(errand)) != count:
            raise RuntimeError(f"{peer.name} collected {found} of {count} messages")
        figures.polls += [measure(peer, errand) for _ in range(POLLS)]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench fetch")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a tenth of the mail")
    parser.add_argument("--rounds", type=int, help="how often each collects")
    parser.add_argument("--only", default="", help="collectors whose name holds this word")
    options = parser.parse_args(arguments)
    count = MESSAGES // 10 if options.quick else MESSAGES
    rounds = options.rounds or (2 if options.quick else 3)
    with tempfile.TemporaryDirectory(prefix="pillarbox-bench-") as name, open_server() as server:
        peers = [peer for peer in find_peers(Path(name)) if options.only in peer.name.lower()]
        results = {peer.name: Figures() for peer in peers}
        for _ in range(rounds):
            for peer in peers:
                one_round(peer, server, count, results[peer.name])
        show(f"{count:,} messages of {OCTETS:,} octets, {server.name}, TLS", results)


def show(title: str, results: dict[str, Figures]) -> None:
    """The medians, and how many times the first one's they are."""
    table = Table("", "wall", "times", "CPU", "times", "CPU of a poll", "times", title=title)
    first = _medians(next(iter(results.values())))
    for name, figures in results.items():
        cells = []
        for value, reference in zip(_medians(figures), first, strict=True):
            cells += [f"{value:.2f} s", f"{value / reference:.2f}"]
        table.add_row(name, *cells)
    Console().print(table)


def _medians(figures: Figures) -> tuple[float, float, float]:
    return (
        statistics.median(cost.wall for cost in figures.collections),
        statistics.median(cost.cpu for cost in figures.collections),
        statistics.median(cost.cpu for cost in figures.polls),
    )
