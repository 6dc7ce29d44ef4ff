"""Pieces of a text around what was found in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.library.index.finding import Finder
from pillarbox.reader.library.index.passages import LONGEST, MOST_PIECES, around, passages
from pillarbox.reader.library.index.placing import Place
from pillarbox.reader.library.index.query import parse
from tests.reader.library.index.mail import NOW

LETTER = (
    "Dear Ann, thank you for your letter of last week. We have looked at the planet and at the budget, "
    "but the plan of the office is not ready; the next meeting will be in June. Regards, Bob"
)
FAR = "lorem ipsum dolor sit amet " * 40


def shown(query: str, text: str) -> tuple[str, ...]:
    finder = Finder.of(parse(query, NOW).words)
    return passages(text, finder.places(text, range(len(finder.words))))


@pytest.mark.parametrize(
    ("query", "text", "pieces"),
    [
        ("xyzzy ", LETTER, ()),
        ("dear ", "Dear Ann, hello", ("Dear Ann, hello",)),
        ("you ", "Dear Ann, thank you", ("Dear Ann, thank you",)),
        (
            "office ",
            LETTER,
            (
                "…the plan of the office is not ready; the next meeting will be in June. Regards, Bob",
            ),
        ),
        ("bob ", LETTER, ("…be in June. Regards, Bob",)),
        # What stands together is shown together, though one of them is there before.
        (
            "the meeting ",
            LETTER,
            ("…is not ready; the next meeting will be in June. Regards, Bob",),
        ),
        (
            "letter june ",
            LETTER,
            ("…for your letter of last week.…", "be in June. Regards, Bob"),
        ),
        ("ann bob ", f"Ann {FAR}Bob", ("Ann lorem ipsum…", "sit amet Bob")),
        (
            "京都 ",
            "これは長い。" * 9 + "東京都に",
            ("…長い。これは長い。東京都に",),
        ),
        (
            "יום ",
            "שלום לך, מה שלומך? " * 3 + "יום טוב",
            ("…לך, מה שלומך? יום טוב",),
        ),
    ],
)
def test_what_is_shown(query: str, text: str, pieces: tuple[str, ...]) -> None:
    assert shown(query, text) == pieces


def test_no_more_is_shown_than_fits_a_wide_list() -> None:
    (piece,) = shown("needle ", f"{FAR}needle {FAR}")
    assert LONGEST - 20 < len(piece) <= LONGEST + 40
    assert "needle" in piece[:40]
    assert piece.startswith("…")
    assert piece.endswith("…")


def test_no_character_is_taken_apart() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    for count in range(1, 12):
        (piece,) = shown("京 ", f"{family * count}{'あ' * count}京{family * 90}")
        rest = piece.replace(family, "").strip("…").strip("あ")
        assert rest == "京"


@given(
    st.text(
        st.sampled_from("ab cdé \u0301京\U0001f1e9\U0001f1ea\u200d\U0001f44d\U0001f3fd ش"),
        max_size=400,
    ),
    st.data(),
)
def test_nothing_is_lost_or_added(text: str, data: st.DataObject) -> None:
    text = " ".join(text.split())
    places = [
        Place(start, min(start + 1 + length, len(text)), word)
        for word in range(data.draw(st.integers(0, 4)))
        if text
        for start, length in data.draw(
            st.lists(
                st.tuples(st.integers(0, len(text) - 1), st.integers(0, 8)), min_size=1, max_size=4
            )
        )
    ]
    pieces = passages(text, sorted(places))
    assert bool(pieces) == bool(places)
    assert len(pieces) <= MOST_PIECES
    at = 0
    for piece in pieces:
        bare = piece.removeprefix("…").removesuffix("…")
        assert bare in text[at:]
        at = text.index(bare, at) + len(bare)
    if len({place.word for place in places}) == 1:
        first = min(places)
        assert text[first.start : first.end].strip() in pieces[0]


class Watched(Place):
    """Counts how often it is looked at."""

    looks = 0

    def __getattribute__(self, name: str) -> Any:
        Watched.looks += 1
        return super().__getattribute__(name)


def looks(apart: int) -> int:
    places = [Watched(number * apart, number * apart + 1, number % 2) for number in range(1_000)]
    before = Watched.looks
    passages("x" * apart * 1_000, places)
    return Watched.looks - before


def test_crowded_places_cost_no_more_than_others() -> None:
    """Each was compared with all that are seen with it."""
    assert looks(apart=1) <= looks(apart=30)


@pytest.mark.parametrize(
    ("text", "at", "piece"),
    [
        ("report.pdf", 0, "report.pdf"),
        (
            "a very long name of a file, which nobody reads, report.pdf",
            48,
            "…reads, report.pdf",
        ),
        ("report, " + "x" * 90, 0, "report, xxxxxxxxxxxxxxxxxxxxxx…"),
    ],
)
def test_a_long_name_is_cut_around_what_was_found(text: str, at: int, piece: str) -> None:
    assert around(text, Place(at, at + 6, 0), 30) == piece
