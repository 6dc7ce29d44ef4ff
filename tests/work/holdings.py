"""What stays in memory: blocks and octets that Pillarbox has asked for, itself or by others."""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pillarbox

_DEPTH = 8
"""Calls that are looked through for one of Pillarbox's: a timer of the event loop is its work, too."""
_PACKAGE = f"{Path(pillarbox.__file__).parent}/"
_TESTS = f"{Path(__file__).parents[1]}/"


class Held(NamedTuple):
    """By the line that has asked for it."""

    blocks: Counter[str]
    octets: Counter[str]

    def by_each_of(self, number: int, before: Held) -> Held:
        """What so many have added to what was held *before*.

        Lines that most of them hold nothing by are left out: there, a table for all has grown.
        """
        blocks, octets = self.blocks - before.blocks, self.octets - before.octets
        theirs = [line for line, found in blocks.items() if found > number / 2]
        return Held(
            Counter({line: blocks[line] for line in theirs}),
            Counter({line: octets[line] for line in theirs}),
        )


class Holdings:
    """What has come since it was made. There must be one at a time; :meth:`close` it."""

    def __init__(self) -> None:
        gc.collect()  # empties Python's free lists, too: what comes out of these is not seen
        tracemalloc.start(_DEPTH)

    def held(self) -> Held:
        """What is there now of what has come; but not what stand-ins of the tests have taken."""
        gc.collect()
        blocks: Counter[str] = Counter()
        octets: Counter[str] = Counter()
        for trace in tracemalloc.take_snapshot().traces:
            frames = trace.traceback  # the innermost is the last
            asked = [frame for frame in frames if frame.filename.startswith(_PACKAGE)]
            if asked and not frames[-1].filename.startswith(_TESTS):
                line = f"{asked[-1].filename.removeprefix(_PACKAGE)}:{asked[-1].lineno}"
                blocks[line] += 1
                octets[line] += trace.size
        return Held(blocks, octets)

    def close(self) -> None:
        tracemalloc.stop()
