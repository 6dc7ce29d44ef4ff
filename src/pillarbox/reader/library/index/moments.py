"""Days, months and years as one types them. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?")
_AGO = re.compile(r"(\d{1,6})\s?([a-z]+)")
_UNITS = {
    name: timedelta(hours=hours)
    for hours, names in (
        (1, ("h", "hour", "hours")),
        (24, ("d", "day", "days")),
        (24 * 7, ("w", "week", "weeks")),
        (24 * 30, ("m", "mo", "month", "months")),
        (24 * 365, ("y", "year", "years")),
    )
    for name in names
}
_DAYS = {"today": 0, "yesterday": 1}
_LAST_MONTH = 12


class Span(NamedTuple):
    """From *begin* until before *end*; POSIX seconds."""

    begin: int
    end: int


def span(text: str, now: datetime) -> Span | None:
    """The day, month or year that *text* (folded) names, in the time zone of *now*; None: it names none."""
    if text in _DAYS:
        day = now.date() - timedelta(days=_DAYS[text])
        named: tuple[int, int | None, int | None] = day.year, day.month, day.day
    elif (match := _DATE.fullmatch(text)) and text.isascii():
        year, month, day_of_month = (None if part is None else int(part) for part in match.groups())
        assert year is not None  # noqa: S101 - for the type: it is no optional group
        named = year, month, day_of_month
    else:
        return None
    try:
        return Span(*(_posix(moment, now) for moment in _ends(*named)))
    except (ValueError, OverflowError, OSError):  # no such day; a year that no clock has
        return None


def ago(text: str, now: datetime) -> int | None:
    """The moment that is "30d", "2w" before *now*, in POSIX seconds; None: it cannot be understood."""
    match = _AGO.fullmatch(text)
    if match is None or not text.isascii() or match[2] not in _UNITS:
        return None
    try:
        return int((now - int(match[1]) * _UNITS[match[2]]).timestamp())
    except (OverflowError, ValueError, OSError):
        return None


def _ends(year: int, month: int | None, day: int | None) -> tuple[datetime, datetime]:
    begin = datetime(year, month or 1, day or 1)  # noqa: DTZ001 - the time zone comes with _posix
    if day is not None:
        return begin, begin + timedelta(days=1)
    if month is None or month == _LAST_MONTH:
        return begin, datetime(year + 1, 1, 1)  # noqa: DTZ001 - as above
    return begin, datetime(year, month + 1, 1)  # noqa: DTZ001 - as above


def _posix(wall: datetime, now: datetime) -> int:
    """Of a time on the wall where *now* was read."""
    return int(wall.replace(tzinfo=now.tzinfo).timestamp())
