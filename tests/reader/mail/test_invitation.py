"""Calendar invitations."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.mail.invitation import MAX_EVENTS, Invitation, Moment, read_invitations
from pillarbox.reader.model import Correspondent
from tests.reader.mail.corpus import INVITATION


def event(*lines: str, method: str = "") -> Invitation:
    text = "\n".join(["BEGIN:VCALENDAR", method, "BEGIN:VEVENT", *lines, "END:VEVENT"])
    (found,) = read_invitations(text.encode())
    return found


def test_an_invitation() -> None:
    (found,) = read_invitations(INVITATION.replace("\n", "\r\n").encode())
    zurich = ZoneInfo("Europe/Zurich")
    assert found == Invitation(
        summary="Tea, and what comes with it",
        start=Moment(datetime(2026, 11, 30, 14, tzinfo=zurich)),
        end=Moment(datetime(2026, 11, 30, 15, tzinfo=zurich)),
        location="Room 5; second floor",
        organizer=Correspondent("Jane Doe", "jane@example.org"),
        attendees=(Correspondent("Max", "max@example.org"),),
        description="A long line that is folded in the middle of a word.",
        method="REQUEST",
    )


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("DTSTART:20261130T140000Z", Moment(datetime(2026, 11, 30, 14, tzinfo=UTC))),
        ("DTSTART:20261130T140000", Moment(datetime(2026, 11, 30, 14))),  # noqa: DTZ001
        ("DTSTART;VALUE=DATE:20261130", Moment(date(2026, 11, 30))),
        ("DTSTART;TZID=Nowhere Time:20261130T1400", Moment(datetime(2026, 11, 30, 14), "Nowhere Time")),  # noqa: DTZ001
        ("DTSTART;TZID=../../etc/passwd:20261130T1400", Moment(datetime(2026, 11, 30, 14), "../../etc/passwd")),  # noqa: DTZ001
        ("DTSTART:20261350", None),
        ("DTSTART:tomorrow", None),
    ],
)  # fmt: skip
def test_moments(line: str, moment: Moment | None) -> None:
    assert event(line).start == moment


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        (["DTSTART;VALUE=DATE:20261130", "DTEND;VALUE=DATE:20261201"], Moment(date(2026, 11, 30))),
        (["DTSTART;VALUE=DATE:20261130", "DURATION:P2D"], Moment(date(2026, 12, 1))),
        (["DTSTART:20261130T140000Z", "DURATION:PT1H30M"], Moment(datetime(2026, 11, 30, 15, 30, tzinfo=UTC))),
        (["DTSTART:20261130T140000Z"], None),
        (["DURATION:P9999W"], None),
    ],
)  # fmt: skip
def test_ends(lines: list[str], end: Moment | None) -> None:
    assert event(*lines).end == end


def test_called_off() -> None:
    assert event("SUMMARY:x", method="METHOD:CANCEL").cancelled
    assert event("STATUS:CANCELLED").cancelled
    assert not event("SUMMARY:x").cancelled


def test_an_alarm_says_nothing_about_the_event() -> None:
    found = event(
        "BEGIN:VALARM", "SUMMARY:alarm", "END:VALARM", "SUMMARY:event", "RRULE:FREQ=DAILY"
    )
    assert (found.summary, found.repeats) == ("event", True)


def test_only_a_few_are_read() -> None:
    text = "BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\n" * (MAX_EVENTS + 5)
    assert len(read_invitations(text.encode())) == MAX_EVENTS


@given(
    st.lists(
        st.sampled_from(
            ["BEGIN:VEVENT", "END:VEVENT", "DTSTART", ";TZID=", "\n", ":", "20261130", "T990000", "Z", '"', "DURATION:P1W",
             "ATTENDEE;CN=", "mailto:", "\\", ",", " ", "DTEND", ";VALUE=DATE", "00010101", "99991231", "é", "\0"]
        ),
        max_size=40,
    ).map("".join)
)  # fmt: skip
def test_nothing_makes_it_fail(text: str) -> None:
    assert len(read_invitations(text.encode())) <= MAX_EVENTS
