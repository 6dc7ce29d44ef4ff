"""Calendar invitations, as far as a person needs them to decide: what, when, where, who (RFC 5545).

Read tolerantly, and only read: nothing is entered or answered here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pillarbox.reader.mail.charsets import decode
from pillarbox.reader.mail.limits import FIELD_TEXT
from pillarbox.reader.mail.words import UNWANTED, tidy
from pillarbox.reader.model import Correspondent

MAX_OCTETS = 500_000
"""Of a calendar. Invitations have some thousand; a whole calendar that somebody attached may be larger."""
MAX_EVENTS = 10
MAX_PEOPLE = 500

_NAME = re.compile(r"[A-Za-z0-9-]+")
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:]*)(?:,(?:"[^"]*"|[^";:,]*))*)')
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?")
_DURATION = re.compile(
    r"\+?P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,5})S)?)?"
)
_ESCAPE = re.compile(r"\\([\\;,nN])")


@dataclass(frozen=True, slots=True)
class Moment:
    """When something begins or ends."""

    at: datetime | date
    """A day for all of a day; aware if its zone is known."""
    zone: str = ""
    """As the invitation calls it, if that is not known."""

    @property
    def is_exact(self) -> bool:
        """It is the same for everybody."""
        return isinstance(self.at, datetime) and self.at.tzinfo is not None


@dataclass(frozen=True, slots=True)
class Invitation:
    """One event."""

    summary: str = ""
    start: Moment | None = None
    end: Moment | None = None
    """Of whole days: the last one."""
    location: str = ""
    organizer: Correspondent | None = None
    attendees: tuple[Correspondent, ...] = ()
    description: str = ""
    repeats: bool = False
    method: str = ""
    """``REQUEST``, ``CANCEL``, ``REPLY`` and the like, in capitals."""
    cancelled: bool = False


_Line = tuple[str, Mapping[str, str], str]


def read_invitations(octets: bytes, charset: str = "utf-8") -> tuple[Invitation, ...]:
    """The first few events of a calendar. Never fails."""
    text = decode(octets[:MAX_OCTETS], charset, cut=len(octets) > MAX_OCTETS)
    method = ""
    found: list[Invitation] = []
    event: list[_Line] | None = None
    inner = 0
    for line in _lines(text):
        name, _, value = line
        if name == "METHOD":
            method = value.strip().upper()
        elif (name, value.strip().upper()) == ("BEGIN", "VEVENT"):
            event, inner = [], 0
        elif (name, value.strip().upper()) == ("END", "VEVENT") and event is not None:
            found.append(_event(event, method))
            event = None
            if len(found) == MAX_EVENTS:
                break
        elif name in ("BEGIN", "END"):  # an alarm within the event
            inner += 1 if name == "BEGIN" else -1
        elif event is not None and inner <= 0:
            event.append(line)
    return tuple(found)


def _lines(text: str) -> Iterator[_Line]:
    """Unfolded (section 3.1)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for line in re.sub(r"\n[ \t]", "", text).split("\n"):
        name = _NAME.match(line)
        if name is None:
            continue
        at = name.end()
        parameters: dict[str, str] = {}
        while (found := _PARAMETER.match(line, at)) is not None:
            parameters[found[1].upper()] = found[2].strip('"')
            at = found.end()
        if line[at : at + 1] == ":":
            yield name[0].upper(), parameters, line[at + 1 :]


def _event(lines: list[_Line], method: str) -> Invitation:
    first = {name: (parameters, value) for name, parameters, value in reversed(lines)}
    start = _moment(*first["DTSTART"]) if "DTSTART" in first else None
    people = [_person(parameters, value) for name, parameters, value in lines if name == "ATTENDEE"]
    status = first.get("STATUS", ({}, ""))[1].strip().upper()
    return Invitation(
        summary=tidy(_text(first, "SUMMARY")),
        start=start,
        end=_end(first, start),
        location=tidy(_text(first, "LOCATION")),
        organizer=_person(*first["ORGANIZER"]) if "ORGANIZER" in first else None,
        attendees=tuple(people[:MAX_PEOPLE]),
        description=UNWANTED.sub("", _text(first, "DESCRIPTION"))[:FIELD_TEXT].strip(),
        repeats="RRULE" in first or "RDATE" in first,
        method=method,
        cancelled=method == "CANCEL" or status == "CANCELLED",
    )


def _text(lines: Mapping[str, tuple[Mapping[str, str], str]], name: str) -> str:
    value = lines[name][1] if name in lines else ""
    return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def _person(parameters: Mapping[str, str], value: str) -> Correspondent:
    address = value.strip()
    if address[:7].lower() == "mailto:":
        address = address[7:]
    return Correspondent(tidy(parameters.get("CN", "")), tidy(address))


def _moment(parameters: Mapping[str, str], value: str) -> Moment | None:
    match = _MOMENT.fullmatch(value.strip())
    if match is None:
        return None
    try:
        if match[4] is None:
            return Moment(date(int(match[1]), int(match[2]), int(match[3])))
        numbers = [int(group) for group in match.groups()[:5]]
        plain = datetime(*numbers)  # type: ignore[arg-type]  # noqa: DTZ001 -- the zone follows
    except ValueError:
        return None
    if match[7]:
        return Moment(plain.replace(tzinfo=UTC))
    named = parameters.get("TZID", "")
    zone = _zone(named)
    return Moment(plain, tidy(named)) if zone is None else Moment(plain.replace(tzinfo=zone))


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name.strip().strip("/")) if name and len(name) < FIELD_TEXT else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _end(lines: Mapping[str, tuple[Mapping[str, str], str]], start: Moment | None) -> Moment | None:
    """DTEND is the first moment after it: for whole days the day before is the last one (section 3.6.1)."""
    if "DTEND" in lines:
        end = _moment(*lines["DTEND"])
        if end is not None and not isinstance(end.at, datetime):
            return Moment(_added(end.at, timedelta(days=-1)))
        return end
    duration = _DURATION.fullmatch(lines["DURATION"][1].strip()) if "DURATION" in lines else None
    if duration is None or start is None:
        return None
    weeks, days, hours, minutes, seconds = (int(group or 0) for group in duration.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not isinstance(start.at, datetime):
        length -= timedelta(days=1)
    return Moment(_added(start.at, length), start.zone)


def _added(at: datetime | date, length: timedelta) -> datetime | date:
    try:
        return at + length
    except OverflowError:
        return at
