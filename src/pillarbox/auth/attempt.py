"""One attempt to sign in, whose turn it is."""

from __future__ import annotations


class Attempt:
    """A failure unless :meth:`forgive` is called."""

    __slots__ = ("crowded_out", "failed", "late_look", "repeated")

    def __init__(self, *, crowded_out: bool = False) -> None:
        self.crowded_out = crowded_out
        """There was no place in line, and the delay is over: no check."""
        self.failed = True
        self.late_look = False
        """Crowded out, and has not had its look yet: may have it now."""
        self.repeated = False
        """The account has heard this very secret before: no guess, wherever it comes from."""

    def forgive(self) -> None:
        """Count no failure: the credentials were right, or could not be checked."""
        self.failed = False
