"""What processes cost (Linux): memory by PSS, and open files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path


def pss(pids: Iterable[int]) -> int:
    """Octets of memory that these processes have, shared pages divided by their sharers."""
    return 1024 * sum(_field(pid, "Pss") for pid in pids)


def open_files(pids: Iterable[int]) -> int:
    """How many descriptors these processes have open."""
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)  # noqa: PTH208 - counted only


def _field(pid: int, name: str) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(rf"(?m)^{name}:\s+(\d+) kB$", text)
    assert found, text
    return int(found[1])
