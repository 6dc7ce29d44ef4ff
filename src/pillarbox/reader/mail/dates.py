"""When a message was written, as far as that can be believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from pillarbox.reader.mail.header import Header

EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
"""The first mail between machines is of that year; clocks that stand at zero say 1970."""

AHEAD = timedelta(days=2)
"""A message may be written so long after a server says that it was there: clocks, and time zones, are wrong."""

_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
"""What can be told in every time zone, and be reckoned with."""
_MAX_OFFSET = 24 * 3600 - 60
_LONGEST = 200
"""Octets of a date."""
_HOPS = 10
"""Trace fields that are asked."""


def read_date(value: bytes) -> datetime | None:
    """A date of RFC 5322, or what people have made of it: aware, in the zone that it names. None: it is none."""
    if not value:
        return None
    try:
        found = parsedate_tz(value[:_LONGEST].decode("ascii", "replace"))
        if found is None:
            return None
        offset = found[9] or 0
        zone = timezone(timedelta(seconds=offset)) if 0 < abs(offset) <= _MAX_OFFSET else UTC
        date = datetime(*found[:5], min(found[5], 59), tzinfo=zone)
    except (ArithmeticError, ValueError, LookupError, TypeError):
        return None
    return date if _FIRST <= date <= _LAST else None


def arrival(header: Header) -> datetime | None:
    """When a server last had it in its hands (RFC 5321, section 4.4: the trace stands on top)."""
    for trace in header.all(b"received")[:_HOPS]:
        if (date := read_date(trace.rpartition(b";")[2].strip())) is not None:
            return date
    return None


def is_plausible(date: datetime, header: Header) -> bool:
    """Whether *date* could be true: not before there was mail, and not after it arrived."""
    if date < EARLIEST:
        return False
    arrived = arrival(header)
    return arrived is None or date <= arrived + AHEAD


def believed_date(header: Header) -> datetime | None:
    """That of Date if it could be true; else that of its arrival."""
    date = read_date(header.first(b"date"))
    if date is not None and is_plausible(date, header):
        return date
    arrived = arrival(header)
    return arrived if arrived is not None and arrived >= EARLIEST else None
