"""Dates and sizes as people say them."""

from __future__ import annotations

from datetime import datetime, timedelta

_WEEK = timedelta(days=7)
_KILO = 1000
_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_BELOW_TEN = 10  # 1.4 MB, but 14 MB: two digits tell enough

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def said_date(date: datetime, now: datetime) -> str:
    """*date* as one would say it at *now* (both aware), in the time zone of *now*: ``10:42`` today, ``Tue`` within a
    week, ``3 Nov`` within the year, else ``2024-11-03``. What lies ahead, by more than a day, is said in full.
    """
    local = _in_zone(date, now)
    days = now.date() - local.date()
    if not days:
        return f"{local:%H:%M}"
    if timedelta(0) < days < _WEEK:
        return _DAYS[local.weekday()][:3]
    if local.year == now.year and days > timedelta(0):
        return f"{local.day} {_MONTHS[local.month - 1][:3]}"
    return f"{local.date().isoformat()}"


def exact_date(date: datetime) -> str:
    """``Tuesday, 3 November 2026, 10:42``, in the machine's time zone."""
    local = _in_zone(date, None)
    month = _MONTHS[local.month - 1]
    return f"{_DAYS[local.weekday()]}, {local.day} {month} {local.year}, {local:%H:%M}"


def _in_zone(date: datetime, like: datetime | None) -> datetime:
    try:
        return date.astimezone(like.tzinfo if like else None)
    except (OverflowError, ValueError, OSError):  # the first or last day that there is
        return date


def said_size(octets: int) -> str:
    """``14 kB``, ``1.4 MB``: decimal, as disks and mail providers count."""
    amount, unit = float(octets), 0
    while round(amount) >= _KILO and unit < len(_UNITS) - 1:
        amount, unit = amount / _KILO, unit + 1
    if not unit:
        return "1 byte" if octets == 1 else f"{octets} bytes"
    if round(amount, 1) < _BELOW_TEN:
        return f"{amount:.1f} {_UNITS[unit]}"
    return f"{amount:.0f} {_UNITS[unit]}"
