"""When a device that does not come is counted as absent, and when that is said beforehand.

A device that is gone for ``retention.unread_by_device_days`` holds no mail back any more
(:mod:`pillarbox.contracts.store`). Before that happens it is told, in the log and by
``pillarbox device list``, so that somebody can open the mail program once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pillarbox.app.config.settings import DAY, Retention
from pillarbox.contracts.store import ViewStatus
from pillarbox.model import DEFAULT_VIEW

NOTICE_SHARE = 1 / 4
"""The last part of the period is time to act in: a week of a month."""
LEAST_NOTICE_SECONDS = float(DAY)
"""A mail program that is opened once a day must have had its chance."""
MOST_NOTICE_SHARE = 1 / 2
"""Of a very short period; else a device would be warned of as soon as it has gone."""


class Phase(StrEnum):
    """How far it is with a view."""

    PRESENT = "present"
    """It has come lately, or it may be gone for as long as it likes."""
    SOON = "soon absent"
    """It will be absent before long: time to say so."""
    ABSENT = "absent"
    """It holds nothing back, or will not from the next sweep on, until it comes again."""


class Absence(NamedTuple):
    """What there is to say of one view."""

    phase: Phase
    seconds_left: float = 0.0
    """Until it is absent; 0 unless it will be soon."""


_PRESENT = Absence(Phase.PRESENT)


def absence_of(view: ViewStatus, retention: Retention, now: float) -> Absence:
    """How it is with *view* at *now* (seconds since 1970, UTC)."""
    if not view.holds:
        gone = view.name != DEFAULT_VIEW or view.seen_at is not None
        return Absence(Phase.ABSENT) if gone else _PRESENT
    if view.name == DEFAULT_VIEW and (retention.default_view_holds or view.seen_at is None):
        return _PRESENT  # it does not hold because it was once opened
    last = view.seen_at if view.seen_at is not None else view.created_at
    if last is None or not retention.unread_by_device_days:
        return _PRESENT
    period = float(retention.unread_by_device_days * DAY)
    left = last + period - now
    if left <= 0:
        return Absence(Phase.ABSENT)
    return Absence(Phase.SOON, left) if left <= notice_seconds(period) else _PRESENT


def notice_seconds(period: float) -> float:
    """How long before the end of *period* (seconds) a warning is due."""
    return min(max(period * NOTICE_SHARE, LEAST_NOTICE_SECONDS), period * MOST_NOTICE_SHARE)
