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

from bench.fetch.drop import OCTETS, Drop, open_server
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


def one_round(peer: Peer, drop: Drop, folder: Path) -> tuple[Cost, list[Cost]]:
    """Fill the maildrop, have *peer* empty it, and look at the empty one; all that it writes goes
    into the new *folder*.
    """
    drop.fill()
    folder.mkdir()
    errand = Errand(drop.server.way(), folder)
    cost = measure(peer, errand)
    if (found := peer.collected(errand)) != drop.count:
        raise RuntimeError(f"{peer.name} collected {found} of {drop.count} messages")
    return cost, [measure(peer, errand) for _ in range(POLLS)]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench fetch")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a tenth of the mail")
    parser.add_argument("--rounds", type=int, help="how often each collects")
    parser.add_argument("--without", default="", help="no collector whose name holds this word")
    options = parser.parse_args(arguments)
    count = MESSAGES // 10 if options.quick else MESSAGES
    times = options.rounds or (2 if options.quick else 3)
    # Nothing is removed before the end: see bench.fetch.drop.
    with tempfile.TemporaryDirectory(prefix="pillarbox-bench-") as name, open_server() as server:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "pool").mkdir()
        drop = Drop(server, count, folder / "pool")
        peers = find_peers(folder, options.without)
        results = {peer.name: Figures() for peer in peers}
        for number in range(times):
            for peer in [peer for peer in peers if number < peer.rounds]:
                cost, polls = one_round(peer, drop, folder / f"{peer.name}-{number}")
                results[peer.name].collections.append(cost)
                results[peer.name].polls += polls
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
