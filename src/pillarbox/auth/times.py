"""Times that all processes of a server know, by name: what throttling asks of shared memory."""

from __future__ import annotations

from typing import Protocol


class Times(Protocol):
    """A bounded table of times, of which one may be lost now and then, and none is ever made up."""

    def get(self, group: str, name: str) -> float | None:
        """The time that was put for *name* in *group*; None: there is none, or it was lost."""

    def put(self, group: str, name: str, at: float) -> None:
        """Note *at* (seconds of ``time.monotonic``) for *name*. When the group has too many, the
        one with the earliest time is lost.
        """
