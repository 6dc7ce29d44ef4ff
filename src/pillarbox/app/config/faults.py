"""What is wrong with a configuration, and where.

Faults are collected, never raised one at a time: who mends a file wants to see all of
them at once. Each is one line, ``FILE:LINE: section.key: what is wrong; hint``, which
editors and terminals can jump to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pillarbox.contracts.errors import PillarboxError


class Fault(NamedTuple):
    """One fault (or, in :attr:`Config.warnings`, one thing worth a second look)."""

    place: str
    """Where it was written: ``FILE:LINE``, ``--set``, an environment variable; may be empty."""
    setting: str
    """``section.key``, ``section``, or empty when the whole file is meant."""
    problem: str
    """What is wrong, naming the value."""
    hint: str = ""
    """What to write instead; may be empty."""

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.place, self.setting, self.problem) if part)
        return f"{where}; {self.hint}" if self.hint else where


class ConfigError(PillarboxError):
    """The configuration cannot be used; ``str()`` shows every fault, one a line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults: tuple[Fault, ...] = tuple(faults)
