"""Dates, sizes and states as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.model import (
    ARCHIVE,
    Change,
    Collecting,
    Flag,
    Folder,
    MessageKey,
    Status,
    Verb,
)
from pillarbox.reader.web import words

NOW = datetime(2026, 11, 27, 11, 30, tzinfo=UTC)
"""A Friday."""


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2026-11-27 10:42", "10:42"),
        ("2026-11-27 00:00", "00:00"),
        ("2026-11-27 23:59", "23:59"),
        ("2026-11-26 23:59", "Thu"),
        ("2026-11-24 09:00", "Tue"),
        ("2026-11-21 09:00", "Sat"),
        ("2026-11-20 09:00", "20 Nov"),
        ("2026-11-03 09:00", "3 Nov"),
        ("2026-01-01 00:00", "1 Jan"),
        ("2025-12-31 09:00", "2025-12-31"),
        ("2024-11-03 09:00", "2024-11-03"),
        ("2026-11-28 00:00", "2026-11-28"),
        ("2087-01-01 00:00", "2087-01-01"),
    ],
)
def test_a_date_in_a_list(moment: str, said: str) -> None:
    assert words.when(datetime.fromisoformat(f"{moment}Z"), NOW, UTC) == said


def test_last_autumn_is_named_without_its_year_in_january() -> None:
    assert (
        words.when(datetime(2026, 12, 3, tzinfo=UTC), datetime(2027, 1, 20, tzinfo=UTC), UTC)
        == "3 Dec"
    )


def test_a_date_is_said_in_the_time_zone_of_the_reader() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    summer = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert words.when(summer, NOW, berlin) == "2 Jul"
    assert words.exact(summer, berlin) == "Thursday, 2 July 2026, 00:30"
    assert words.when(datetime(2026, 11, 27, 10, 0, tzinfo=UTC), NOW, berlin) == "11:00"


@given(
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14))])),
    st.datetimes(timezones=st.just(UTC)),
)
def test_any_date_can_be_said(moment: datetime, now: datetime) -> None:
    zone = timezone(timedelta(hours=-12))
    assert words.when(moment, now, zone)
    assert words.exact(moment, zone)
    assert words.ago(moment, now, zone)
    assert words.until(moment, now, zone)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (0, "just now"),
        (44, "just now"),
        (46, "1 minute ago"),
        (120, "2 minutes ago"),
        (3500, "58 minutes ago"),
        (3590, "1 hour ago"),
        (3 * 3600, "3 hours ago"),
        (86_399, "on Thu"),
        (2 * 86_400, "on Wed"),
        (30 * 86_400, "on 28 Oct"),
    ],
)
def test_how_long_ago(seconds: int, said: str) -> None:
    assert words.ago(NOW - timedelta(seconds=seconds), NOW, UTC) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-10, "now"),
        (0, "now"),
        (40, "in 40 s"),
        (60, "in 1 minute"),
        (300, "in 5 minutes"),
        (2 * 3600, "at 13:30"),
        (11 * 3600, "at 22:30"),
        (6 * 86_400, "on 2026-12-03"),
    ],
)
def test_when_it_will_be(seconds: int, said: str) -> None:
    assert words.until(NOW + timedelta(seconds=seconds), NOW, UTC) == said


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (812, "812 bytes"),
        (1000, "1 kB"),
        (12_345, "12 kB"),
        (999_400, "999 kB"),
        (999_600, "1.0 MB"),
        (3_400_000, "3.4 MB"),
        (9_949_999, "9.9 MB"),
        (9_960_000, "10 MB"),
        (30_000_000, "30 MB"),
        (2_100_000_000, "2.1 GB"),
        (5_000_000_000_000_000, "5,000 TB"),
    ],
)
def test_sizes(octets: int, said: str) -> None:
    assert words.size(octets) == said


def test_counts() -> None:
    assert words.count(1, "message") == "1 message"
    assert words.count(0, "message") == "0 messages"
    assert words.count(12_345, "reply", "replies") == "12,345 replies"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("moved", "Projects/2026", None, True), "Moved 2 messages to Projects / 2026"),
        (("moved", None, None, True), "Moved 2 messages"),
        (("archived", ARCHIVE, None, True), "Archived 2 messages"),
        (("deleted", "Trash", None, True), "Moved 2 messages to Trash"),
        (("marked", None, Flag.SEEN, True), "Marked 2 messages as read"),
        (("marked", None, Flag.SEEN, False), "Marked 2 messages as unread"),
        (("marked", None, Flag.FLAGGED, True), "Flagged 2 messages"),
        (("marked", None, Flag.FLAGGED, False), "Took the flag off 2 messages"),
        (("marked", None, Flag.REPLIED, True), "Marked 2 messages"),
    ],
)
def test_what_was_done(change: tuple[str, str | None, Flag | None, bool], said: str) -> None:
    verb, to, flag, on = change
    keys = (MessageKey("a"), MessageKey("b"))
    done = Change("1", Verb(verb), keys, Folder(to) if to else None, flag, on)
    assert words.done(done) == said


@pytest.mark.parametrize(
    ("back", "left", "said"),
    [
        (2, 0, "Undone"),
        (0, 0, "Undone"),
        (2, 1, "Undone for 2 of 3 messages: the other one has been moved, marked or removed since"),
        (
            1,
            1000,
            "Undone for 1 of 1,001 messages: the other 1,000 have been moved, marked or removed since",
        ),
        (
            0,
            2,
            "The folder is there again. What was in it has been moved, marked or removed since",
        ),
    ],
)
def test_what_was_undone(back: int, left: int, said: str) -> None:
    keys = tuple(MessageKey(str(number)) for number in range(back))
    assert words.undone(Change("1", Verb.MOVED, keys, left=left)) == said


def _status(state: Collecting, **rest: Any) -> Status:
    return Status("work", state, **rest)


SOON = NOW + timedelta(seconds=40)
EARLIER = NOW - timedelta(minutes=2)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (_status(Collecting.NEVER), ("not collected yet", "", None)),
        (
            _status(Collecting.NEVER, next_try=SOON),
            ("not collected yet, next try in 40 s", "", None),
        ),
        (_status(Collecting.RUNNING), ("collecting", "busy", None)),
        (_status(Collecting.RUNNING, arrived=12), ("collecting, 12 so far", "busy", None)),
        (
            _status(Collecting.RUNNING, arrived=1200, expected=4800),
            ("collecting, 1,200 of 4,800", "busy", 0.25),
        ),
        (
            _status(Collecting.RUNNING, arrived=12, expected=10),
            ("collecting, 10 of 10", "busy", 1.0),
        ),
        (_status(Collecting.DONE, last_done=EARLIER), ("collected 2 minutes ago", "", None)),
        (_status(Collecting.DONE), ("collected", "", None)),
        (_status(Collecting.OFFLINE, next_try=SOON), ("offline, next try in 40 s", "off", None)),
        (_status(Collecting.OFFLINE), ("offline", "off", None)),
        (_status(Collecting.REFUSED), ("sign-in refused", "warn", None)),
        (_status(Collecting.UNSIGNED), ("needs its password", "warn", None)),
        (
            _status(Collecting.INSECURE),
            ("not collected: the connection is not safe", "warn", None),
        ),
        (
            _status(Collecting.UNPROTECTED),
            ("not collected: the connection is not safe", "warn", None),
        ),
        (
            _status(Collecting.CONFIRM),
            ("waits for your yes before it deletes mail on the server", "warn", None),
        ),
        (
            _status(Collecting.FAILED, next_try=SOON),
            ("could not be collected, next try in 40 s", "", None),
        ),
        (_status(Collecting.FAILED), ("could not be collected", "warn", None)),
    ],
)
def test_what_an_account_is_doing(status: Status, said: tuple[str, str, float | None]) -> None:
    assert words.collecting(status, NOW, UTC) == said


def test_every_state_has_words() -> None:
    assert all(words.collecting(_status(state), NOW, UTC).words for state in Collecting)
