"""Moments and spans of time, as commands print them."""

from __future__ import annotations

from datetime import UTC, datetime

from pillarbox.app.config.settings import DAY
from pillarbox.app.texts import counted

_HOUR = 3600


def moment(seconds: float | None) -> str | None:
    """Seconds since 1970 as RFC 3339 writes them, in UTC, to the second; None stays None."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def span(seconds: float) -> str:
    """``5 days``, ``3 hours``: whole ones, rounded down, but at least an hour."""
    days, hours = int(seconds // DAY), int(seconds // _HOUR)
    return counted(days, "day") if days else counted(max(hours, 1), "hour")
