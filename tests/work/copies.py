"""Octets that go into fresh memory, and where.

Python tells of each call and return (``sys.setprofile``); between two of these, tracemalloc knows
by how much the memory in use has grown at most. So an octet counts each time that it is put
somewhere, whether or not the place is soon given up. Memory that Python does not give out (SQLite's
cache, OpenSSL's records) is not seen.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Self

LEAST = 16 * 1024
"""Octets that count: what is smaller is no body."""


class Copies:
    """Watches while its block runs."""

    def __init__(self) -> None:
        self.octets: Counter[str] = Counter()
        """Put into fresh memory, by place."""
        self.peak = 0
        """Octets more in use than at the beginning, at most."""
        self._first = self._before = 0

    def __enter__(self) -> Self:
        tracemalloc.start()
        self._first = self._before = tracemalloc.get_traced_memory()[0]
        sys.setprofile(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        tracemalloc.stop()

    def _look(self, frame: FrameType, event: str, what: Any) -> None:
        peak = tracemalloc.get_traced_memory()[1]
        self.peak = max(self.peak, peak - self._first)
        if (grown := peak - self._before) >= LEAST:
            code = frame.f_code
            place = f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_qualname}"
            done = f"{event} {what.__name__}" if event.startswith("c_") else event
            self.octets[f"{place} ({done})"] += grown
        tracemalloc.reset_peak()
        self._before = tracemalloc.get_traced_memory()[0]
