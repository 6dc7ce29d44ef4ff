"""When an event is, in words."""

from __future__ import annotations

from datetime import UTC, datetime, time

from pillarbox.reader.mail.invitation import Invitation, Moment
from pillarbox.reader.web.words import exact


def in_words(invitation: Invitation) -> str:
    """From when to when, where one is; a time whose zone is not known as it stands there. Empty: it does not say."""
    start, end = invitation.start, invitation.end
    if start is None:
        return ""
    said = moment(start)
    if end is not None and end != start:
        said += f" to {_end(start, end)}"
    return f"{said}, and again" if invitation.repeats else said


def moment(one: Moment) -> str:
    """``Monday, 30 November 2026, 14:00``; without the time, for all of a day."""
    if not isinstance(one.at, datetime):
        return exact(datetime.combine(one.at, time(), UTC), UTC).rpartition(", ")[0]
    if one.is_exact:
        return exact(one.at)
    said = exact(one.at.replace(tzinfo=UTC), UTC)
    return f"{said} ({one.zone})" if one.zone else said


def _end(start: Moment, end: Moment) -> str:
    """Only the time, if it is the same day."""
    begins, ends = moment(start), moment(end)
    timed = isinstance(start.at, datetime) and isinstance(end.at, datetime)
    same_day = begins.rpartition(", ")[0] == ends.rpartition(", ")[0]
    return ends.rpartition(", ")[2] if timed and same_day else ends
