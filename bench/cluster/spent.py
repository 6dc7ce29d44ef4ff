"""What who has spent between two moments, and what nobody has."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.accounting import Account

CORES = os.cpu_count() or 1
DRIVER = "driver"
_STAT = Path("/proc/stat")
_TICK = os.sysconf("SC_CLK_TCK")
_IDLE = slice(3, 5)
"""Of the machine's columns: idle, and idle while something waits for a disk."""


@dataclass(frozen=True)
class Moment:
    """The clocks, read at one moment. Seconds."""

    at: float
    cpu: Mapping[str, float]
    """By party."""
    idle: float
    """Of all cores together, since the machine was started."""

    def until(self, later: Moment) -> Moment:
        """What has passed since then."""
        cpu = {party: used - self.cpu[party] for party, used in later.cpu.items()}
        return Moment(later.at - self.at, cpu, later.idle - self.idle)


def now(parties: Mapping[str, Sequence[Account]]) -> Moment:
    """This moment: what the *parties* have spent so far, and this process."""
    cpu = {
        name: sum(account.cpu_seconds() for account in accounts)
        for name, accounts in parties.items()
    }
    machine = _STAT.read_text().split("\n", 1)[0].split()[1:]
    idle = sum(map(int, machine[_IDLE])) / _TICK
    return Moment(time.perf_counter(), cpu | {DRIVER: time.process_time()}, idle)
