"""How the page says dates, sizes, counts, and what is going on. Pure functions: now is given.

In templates these are filters: ``{{ row.date|when(now) }}``, ``{{ part.octets|size }}``. Names of days and
months are spelled out here: those of :func:`time.strftime` depend on the locale of the process.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from pillarbox.reader.model import (
    ARCHIVE,
    SENT,
    TRASH,
    Change,
    Collecting,
    Flag,
    Folder,
    Status,
    Verb,
)

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_ABBREVIATION = 3
"""Letters of a short name."""

_WEEK = 7
"""Days: before that, the name of the day would be today's."""
_HALF_A_YEAR = 183
"""Days: until then a day and a month cannot be mistaken for another year's."""

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_JUST = 45.0
"""Seconds that nobody counts."""

_KILO = 1000
"""As disks and mail providers count; SI."""
_TEN = 10
"""From here on a decimal says nothing."""

_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)
"""What can be said in any time zone."""


def _local(moment: datetime, zone: tzinfo | None) -> datetime:
    """*moment* in *zone*; None: the system's, as it was then (summer time)."""
    return min(max(moment, _EARLIEST), _LATEST).astimezone(zone)


def when(moment: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """For a list: ``10:42`` today, ``Tue`` within a week, ``3 Nov`` within half a year or this year,
    ``2024-11-03`` before that, and for what is still to come.
    """
    then, today = _local(moment, zone), _local(now, zone)
    days = (today.date() - then.date()).days
    if days == 0:
        return f"{then:%H:%M}"
    if 0 < days < _WEEK:
        return _DAYS[then.weekday()][:_ABBREVIATION]
    if days > 0 and (then.year == today.year or days <= _HALF_A_YEAR):
        return f"{then.day} {_MONTHS[then.month - 1][:_ABBREVIATION]}"
    return then.date().isoformat()


def exact(moment: datetime, zone: tzinfo | None = None) -> str:
    """``Friday, 27 November 2026, 10:42``"""
    then = _local(moment, zone)
    return (
        f"{_DAYS[then.weekday()]}, {then.day} {_MONTHS[then.month - 1]} {then.year}, {then:%H:%M}"
    )


def ago(moment: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """``just now``, ``2 minutes ago``, ``3 hours ago``, ``on 3 Nov``."""
    seconds = (now - moment).total_seconds()
    if seconds < _JUST:
        return "just now"
    if seconds < _HOUR - _MINUTE / 2:
        return f"{count(max(1, round(seconds / _MINUTE)), 'minute')} ago"
    if seconds < _DAY - _HOUR / 2:
        return f"{count(round(seconds / _HOUR), 'hour')} ago"
    return f"on {when(moment, now, zone)}"


def until(moment: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """``now``, ``in 40 s``, ``in 5 minutes``, ``at 10:45``, ``on 2026-12-03``."""
    seconds = (moment - now).total_seconds()
    if seconds < 1:
        return "now"
    if seconds < _MINUTE:
        return f"in {round(seconds)} s"
    if seconds < _HOUR - _MINUTE / 2:
        return f"in {count(round(seconds / _MINUTE), 'minute')}"
    then = _local(moment, zone)
    if then.date() == _local(now, zone).date() or seconds < _DAY / 2:
        return f"at {then:%H:%M}"
    return f"on {then.date().isoformat()}"


def size(octets: int) -> str:
    """``812 bytes``, ``12 kB``, ``3.4 MB``."""
    if octets < _KILO:
        return count(octets, "byte")
    amount = float(octets)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= _KILO
        if amount < _KILO - 0.5 or unit == "TB":
            break
    return (
        f"{amount:.1f} {unit}" if amount < _TEN - 0.05 and unit != "kB" else f"{amount:,.0f} {unit}"
    )


def number(amount: int) -> str:
    """``12,345``"""
    return f"{amount:,}"


def count(amount: int, one: str, many: str = "") -> str:
    """``1 message``, ``12,345 messages``."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def place(folder: Folder) -> str:
    """A folder in a sentence: the last part of its path would not say which."""
    return {TRASH: "Trash", ARCHIVE: "Archive", SENT: "Sent"}.get(
        folder, " / ".join(folder.split("/"))
    )


_FLAG_ON = {Flag.SEEN: "Marked {} as read", Flag.FLAGGED: "Flagged {}"}
_FLAG_OFF = {Flag.SEEN: "Marked {} as unread", Flag.FLAGGED: "Took the flag off {}"}


def done(change: Change) -> str:
    """What was done, for a toast."""
    messages = count(len(change.keys), "message")
    match change.verb:
        case Verb.MOVED:
            return f"Moved {messages} to {place(change.to)}" if change.to else f"Moved {messages}"
        case Verb.ARCHIVED:
            return f"Archived {messages}"
        case Verb.DELETED:
            return f"Moved {messages} to Trash"
        case Verb.MARKED:
            said = (_FLAG_ON if change.on else _FLAG_OFF).get(change.flag or Flag.SEEN)
            return (said or "Marked {}").format(messages)


def undone(change: Change) -> str:
    """What was taken back, for a toast."""
    if not change.left:
        return "Undone"
    back, since = len(change.keys), "moved, marked or removed since"
    if not back:
        return f"The folder is there again. What was in it has been {since}"
    rest = "the other one has" if change.left == 1 else f"the other {number(change.left)} have"
    return (
        f"Undone for {number(back)} of {count(back + change.left, 'message')}: {rest} been {since}"
    )


class Said(NamedTuple):
    """What an account is doing, for the status line."""

    words: str
    """Goes behind the account's name and a colon."""
    tone: str = ""
    """``warn``: the user has to do something; ``busy``; ``off``; empty: all is well."""
    fraction: float | None = None
    """Of a run whose end is known, from 0 to 1."""


def collecting(status: Status, now: datetime, zone: tzinfo | None = None) -> Said:
    """One calm sentence, with the time that matters."""
    again = f", next try {until(status.next_try, now, zone)}" if status.next_try else ""
    last = f" {ago(status.last_done, now, zone)}" if status.last_done else ""
    return {
        Collecting.NEVER: Said(f"not collected yet{again}"),
        Collecting.RUNNING: _running(status),
        Collecting.DONE: Said(f"collected{last}"),
        Collecting.OFFLINE: Said(f"offline{again}", "off"),
        Collecting.REFUSED: Said("sign-in refused", "warn"),
        Collecting.UNSIGNED: Said("needs its password", "warn"),
        Collecting.INSECURE: Said("not collected: the connection is not safe", "warn"),
        Collecting.UNPROTECTED: Said("not collected: the connection is not safe", "warn"),
        Collecting.CONFIRM: Said("waits for your yes before it deletes mail on the server", "warn"),
        Collecting.FAILED: Said(f"could not be collected{again}", "" if again else "warn"),
    }[status.state]


def _running(status: Status) -> Said:
    if status.expected > 0:
        arrived = min(status.arrived, status.expected)
        return Said(
            f"collecting, {number(arrived)} of {number(status.expected)}",
            "busy",
            arrived / status.expected,
        )
    so_far = f", {number(status.arrived)} so far" if status.arrived else ""
    return Said(f"collecting{so_far}", "busy")


FILTERS: dict[str, Callable[..., Any]] = {
    "when": when,
    "exact": exact,
    "ago": ago,
    "until": until,
    "size": size,
    "number": number,
    "count": count,
    "place": place,
    "collecting": collecting,
}
"""What templates may say."""
