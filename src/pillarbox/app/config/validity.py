"""From when to when something that is signed may be used."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

SOON = timedelta(days=14)
# Of what lives for days only (it is renewed as often), the last third.
SOON_PART = 3


class Doubt(NamedTuple):
    """Why it cannot be used, or not for long."""

    kind: Literal["expired", "early", "soon"]
    problem: str


class Validity(NamedTuple):
    """The two ends, with their time zone."""

    begin: datetime
    end: datetime

    def doubt(self, now: datetime) -> Doubt | None:
        """What is doubtful about it at *now*, if anything is."""
        if now > self.end:
            return Doubt("expired", f"expired on {_moment(self.end)}")
        if now < self.begin:
            return Doubt("early", f"is not valid before {_moment(self.begin)}")
        if self.end - now < min(SOON, (self.end - self.begin) / SOON_PART):
            return Doubt("soon", f"expires on {_moment(self.end)}")
        return None


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
