"""What the user may set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Settings:
    """What the user may set of the reader as a whole."""

    trash_days: int = 30
    """Days after which mail in Trash goes for good; 0: never by itself."""
    hold_seconds: float = 10.0
    """For so long a sent message can be taken back."""
    interval_seconds: float = 300.0
    """Between two collections of an account."""
    keys: bool = True
    """Single keys (j, k, e …) do something. Who speaks to the machine switches them off (WCAG 2.2, 2.1.4)."""
