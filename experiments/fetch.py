"""What decided the collector's numbers. Results and conclusions: fetch.md.

``python experiments/fetch.py FOLDER [KIND]``: FOLDER lies on the disk to be measured; KIND is
maildir, mh or mbox. Figures are medians of ROUNDS runs; the variants take turns within a round.
"""

from __future__ import annotations

import itertools
import shutil
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

from pillarbox.fetch.destinations import Destination, Owner, parse_destination, staging

ROUNDS = 5
MESSAGES = 1024
LETTER = ((b"Subject: x\r\n\r\n" + b"x" * 76 + b"\r\n") * 44)[:4096]


class Clock:
    """CPU microseconds a message, step by step, and time on the wall."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def add(self, step: str) -> None:
        now = time.process_time()
        self.spent[step] += (now - self._cpu) * 1e6 / MESSAGES
        self._cpu = now

    def stop(self) -> dict[str, float]:
        self.spent["wall"] = (time.perf_counter() - self._wall) * 1e6 / MESSAGES
        return self.spent


def collect(destination: Destination, batch: int) -> dict[str, float]:
    clock = Clock()
    for _ in range(MESSAGES // batch):
        stagings = [destination.stage() for _ in range(batch)]
        tokens = []
        for one in stagings:
            one.write(LETTER)
            tokens.append(one.finish())
        clock.add("stage")
        destination.sync(stagings)
        clock.add("sync")
        destination.publish(tokens)
        clock.add("publish")
    return clock.stop()


def main(folder: Path, kind: str) -> None:
    variants = [(threads, batch) for batch in (64, 256) for threads in (1, 2, 4, 8, 16)]
    results = defaultdict(list)
    number = itertools.count(1)
    for _ in range(ROUNDS):
        for threads, batch in variants:
            staging.SYNC_THREADS = threads
            # Nothing is removed in between: ext4 looks long for an inode that is not one of those
            # that were freed in the last seconds (half a millisecond a file was seen).
            place = folder / "measured" / str(next(number))
            place.mkdir(parents=True)
            target = parse_destination(f"{kind}:{place / 'mail'}")
            destination = target.open(Owner("0a1b2c3d", place / "spool", "alice"))
            destination.prepare()
            results[threads, batch].append(collect(destination, batch))
    shutil.rmtree(folder / "measured")
    print(
        "| batch | threads | wall | stage | sync | publish |\n| --- | --- | --- | --- | --- | --- |"
    )
    for (threads, batch), rounds in results.items():
        steps = ("wall", "stage", "sync", "publish")
        figures = (statistics.median(spent[step] for spent in rounds) for step in steps)
        print(
            f"| {batch} | {threads} | " + " | ".join(f"{figure:.0f}" for figure in figures) + " |"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "maildir")
