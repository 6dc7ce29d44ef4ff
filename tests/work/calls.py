"""Function calls, Python's own and those to C."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Self

import structlog

_NOT_COUNTED = (str(Path(__file__).parents[1]), str(Path(structlog.__file__).parent))
"""The tests' own calls, and those of the log: how many it makes depends on its settings."""


class Calls:
    """Counts the calls while its block runs, in this thread.

    A coroutine that goes on counts once more. A call to C counts where it is a function, not where
    it is a class (``bytes(...)``): so does Python report them.
    """

    def __init__(self) -> None:
        self.made: Counter[str] = Counter()

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    @property
    def number(self) -> int:
        return self.made.total()

    def _note(self, frame: FrameType, event: str, what: Any) -> None:
        code = frame.f_code
        if event not in {"call", "c_call"} or code.co_filename.startswith(_NOT_COUNTED):
            return
        if event == "call":
            self.made[f"{Path(code.co_filename).name}: {code.co_qualname}"] += 1
        else:
            self.made[f"{what.__qualname__}, of {code.co_qualname}"] += 1
