"""The line below every page, with few accounts and with many."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pillarbox.reader.model import Collecting, Status
from pillarbox.reader.web.status_line import Entry, entries
from pillarbox.reader.web.words import Said
from tests.reader.desk import NOW


def made(*states: Collecting, last: int = 60, again: int = 20) -> list[Status]:
    """Accounts a, b, c…, the next a second later than the one before."""
    return [
        Status(
            chr(ord("a") + n),
            state,
            NOW - timedelta(seconds=last),
            NOW + timedelta(seconds=again + n) if state is Collecting.OFFLINE else None,
        )
        for n, state in enumerate(states)
    ]


def line(*statuses: Status) -> list[str]:
    return [f"{entry.name}: {entry.said.words}" for entry in entries(statuses, NOW)]


def test_few_accounts_are_named_each() -> None:
    assert line(*made(*[Collecting.OFFLINE] * 3)) == [
        *("a: offline, next try in 20 s", "b: offline, next try in 21 s"),
        "c: offline, next try in 22 s",
    ]
    assert line() == []


def test_nine_accounts_without_a_network_are_one_sentence() -> None:
    """They took three rows of one and the same, and a warning among them was not seen on a phone."""
    statuses = made(*[Collecting.OFFLINE] * 4, Collecting.REFUSED, *[Collecting.OFFLINE] * 4)
    statuses[4] = replace(statuses[4], problem="Why.")
    first, second = entries(statuses, NOW)
    assert first == Entry("e", "/accounts/e", Said("sign-in refused", "warn"), "Why.")
    assert second == Entry(
        "8 accounts",
        "/accounts",
        Said("offline, next try in 20 s", "off"),
        "a, b, c, d, f, g, h, i",
    )


def test_times_of_several_are_the_earliest() -> None:
    statuses = made(*[Collecting.DONE] * 4)
    statuses[2] = replace(statuses[2], last_done=NOW - timedelta(hours=2))
    assert line(*statuses) == ["4 accounts: collected 2 hours ago"]


def test_what_runs_is_counted_together() -> None:
    busy = [replace(each, arrived=2, expected=4) for each in made(*[Collecting.RUNNING] * 4)]
    (entry,) = entries(busy, NOW)
    assert entry.said == Said("collecting, 8 of 16", "busy", 0.5)
    busy[0] = replace(busy[0], expected=0)
    assert line(*busy) == ["4 accounts: collecting, 8 so far"]


def test_warnings_are_named_each_while_they_are_few() -> None:
    assert line(*made(Collecting.DONE, *[Collecting.UNSIGNED] * 3)) == [
        *("b: needs its password", "c: needs its password", "d: needs its password"),
        "a: collected 1 minute ago",
    ]
    assert line(*made(*[Collecting.UNSIGNED] * 4)) == ["4 accounts: need their passwords"]


def test_what_is_given_up_is_no_part_of_what_is_tried_again() -> None:
    failed = made(*[Collecting.FAILED] * 5)
    failed[1] = replace(failed[1], next_try=NOW + timedelta(seconds=40))
    failed[2] = replace(failed[2], next_try=NOW + timedelta(seconds=30))
    assert line(*failed[1:]) == [
        *("d: could not be collected", "e: could not be collected"),
        "2 accounts: could not be collected, next try in 30 s",
    ]
