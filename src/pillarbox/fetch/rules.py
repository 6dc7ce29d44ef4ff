"""What the user wants: how long collected mail stays on the server, and what is too large."""

from __future__ import annotations

from typing import NamedTuple, Self

DAY = 86_400.0
"""Seconds."""


class Rules(NamedTuple):
    """``--delete`` (the default), ``--keep``, ``--keep-days N``; ``--max-size``."""

    keep_days: int | None = 0
    """Days from storing a message to deleting it on the server. 0: at once; None: never."""
    max_octets: int | None = None
    """Leave larger messages alone; None: none is too large."""

    def deletes(self, stored_at: float, now: float) -> bool:
        """Whether a message that was stored then is to be deleted now."""
        if self.keep_days is None:
            return False
        # The clock may have been set back since: that must not keep what is never kept.
        return self.at_once or now - stored_at >= self.keep_days * DAY

    @property
    def at_once(self) -> bool:
        """Whether a message is deleted as soon as it is stored."""
        return self.keep_days == 0

    @property
    def mode(self) -> str:
        """How long mail is kept, in a word: what the journal remembers of the last run."""
        return "keep" if self.keep_days is None else f"keep {self.keep_days} days"

    @classmethod
    def of_mode(cls, mode: str) -> Self:
        """Undo :attr:`mode`.

        Raises:
            ValueError: it was not made by it.
        """
        return cls(None) if mode == "keep" else cls(int(mode.split()[1]))
