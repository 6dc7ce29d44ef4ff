"""What is typed into the search field, and what is understood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.library.index.query import (
    MOST_TERMS,
    Condition,
    Dated,
    Has,
    In,
    Is,
    Query,
    Sized,
    Words,
    parse,
)
from pillarbox.reader.model import Flag

BERLIN = timezone(timedelta(hours=2))
NOW = datetime(2026, 6, 15, 12, tzinfo=BERLIN)


def at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=BERLIN).timestamp())


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("c++", [Words("c++")]),
        ("", []),
        ("  \t ", []),
        ("plan", [Words("plan", beginning=True)]),
        ("plan ", [Words("plan")]),
        ("Big PLAN", [Words("big"), Words("plan", beginning=True)]),
        ('"big plan"', [Words("big plan")]),
        ('"big pl', [Words("big pl", beginning=True)]),
        ('"big   plan" ', [Words("big plan")]),
        ("“big plan”", [Words("big plan")]),
        ("„großer Plan“", [Words("grosser plan")]),
        ("-plan ", [Words("plan", negative=True)]),
        ('-"big plan"', [Words("big plan", negative=True)]),
        ("from:Ann ", [Words("ann", "sender", beginning=True)]),
        ('from:"Ann B" ', [Words("ann b", "sender")]),
        ("FROM:ann ", [Words("ann", "sender", beginning=True)]),
        ("-from:ann ", [Words("ann", "sender", beginning=True, negative=True)]),
        ("to:b@example.org", [Words("b@example.org", "recipients", beginning=True)]),
        ("cc:bob ", [Words("bob", "recipients", beginning=True)]),
        ("subject:x ", [Words("x", "subject", beginning=True)]),
        ("filename:report.pdf ", [Words("report.pdf", "files", beginning=True)]),
        # Being typed, and nothing yet.
        ("from:", []),
        ("plan -in:", [Words("plan")]),
        ('from:"', []),
        ('in:""', []),
        # Words after all.
        ("http://example.org/ ", [Words("http://example.org/")]),
        ("12:30 ", [Words("12:30")]),
        ("is:happy ", [Words("is:happy")]),
        ("before:soon ", [Words("before:soon")]),
        ("before:2026-13-01 ", [Words("before:2026-13-01")]),
        ("on:2026-02-30 ", [Words("on:2026-02-30")]),
        ("older:much ", [Words("older:much")]),
        ("older:999999y ", [Words("older:999999y")]),
        ("larger:big ", [Words("larger:big")]),
        ("has:fun ", [Words("has:fun")]),
        ("before:0000 ", [Words("before:0000")]),
        # Nothing that could be found.
        ("- -- !? *", []),
        ("🎉", []),
        ("日本", [Words("日本", beginning=True)]),
        ("\uff21\uff22\uff23 ", [Words("abc")]),
    ],
)
def test_words(typed: str, words: list[Words]) -> None:
    assert parse(typed, NOW) == Query(tuple(words))


@pytest.mark.parametrize(
    ("typed", "condition"),
    [
        ("in:Archive", In("archive")),
        ("in:Projects/2026/", In("projects/2026")),
        ('-in:"My Mail"', In("my mail", negative=True)),
        ("is:unread", Is(Flag.SEEN, on=False)),
        ("-is:unread", Is(Flag.SEEN, on=True)),
        ("is:read", Is(Flag.SEEN, on=True)),
        ("is:Flagged", Is(Flag.FLAGGED, on=True)),
        ("is:answered", Is(Flag.REPLIED, on=True)),
        ("is:forwarded", Is(Flag.PASSED, on=True)),
        ("has:attachment", Has(on=True)),
        ("-has:attachments", Has(on=False)),
        ("before:2026-01-31", Dated(None, at(2026, 1, 31))),
        ("after:2026-01-31", Dated(at(2026, 1, 31), None)),
        ("-after:2026-01-31", Dated(at(2026, 1, 31), None, negative=True)),
        ("on:2026-01-31", Dated(at(2026, 1, 31), at(2026, 2, 1))),
        ("on:2026-12", Dated(at(2026, 12, 1), at(2027, 1, 1))),
        ("on:2024-2", Dated(at(2024, 2, 1), at(2024, 3, 1))),
        ("on:2025", Dated(at(2025, 1, 1), at(2026, 1, 1))),
        ("on:today", Dated(at(2026, 6, 15), at(2026, 6, 16))),
        ("on:yesterday", Dated(at(2026, 6, 14), at(2026, 6, 15))),
        ("older:30d", Dated(None, int((NOW - timedelta(days=30)).timestamp()))),
        ("newer:2w", Dated(int((NOW - timedelta(days=14)).timestamp()), None)),
        ("newer:12h", Dated(int((NOW - timedelta(hours=12)).timestamp()), None)),
        ("larger:5M", Sized(5_000_000, None)),
        ("larger:1.5MB", Sized(1_500_000, None)),
        ("smaller:100k", Sized(None, 100_000)),
        ("larger:999999999999g", Sized(2**62, None)),
    ],
)
def test_conditions(typed: str, condition: Condition) -> None:
    assert parse(typed, NOW) == Query((), (condition,))


def test_everything_at_once() -> None:
    found = parse('from:ann "big plan" -draft is:unread in:work rep', NOW)
    assert found.words == (
        Words("ann", "sender", beginning=True),
        Words("big plan"),
        Words("draft", negative=True),
        Words("rep", beginning=True),
    )
    assert found.conditions == (Is(Flag.SEEN, on=False), In("work"))
    assert found.to_highlight == ("ann", "big plan", "rep")


def test_terms_are_bounded() -> None:
    assert len(parse("a " * 500, NOW).words) == MOST_TERMS


@given(st.text())
def test_nothing_is_a_mistake(text: str) -> None:
    found = parse(text, NOW.astimezone(UTC))
    assert all(word.text == " ".join(word.text.split()) for word in found.words)
