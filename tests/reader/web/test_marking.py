"""Marking what was searched for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.library.index.finding import Finder
from pillarbox.reader.library.index.query import MOST_WORDS, parse
from pillarbox.reader.web.marking import mark


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("a red bicycle", ("red",), "a <mark>red</mark> bicycle"),
        ("RED Redder", ("red",), "<mark>RED</mark> <mark>Red</mark>der"),
        ("tired", ("red",), "tired"),
        ("a red bicycle", (), "a red bicycle"),
        ("a red bicycle", ("", " "), "a red bicycle"),
        ("a <b> c", ("b",), "a &lt;<mark>b</mark>&gt; c"),
        ("a & b", ("amp",), "a &amp; b"),
        ("Zürich", ("zurich",), "<mark>Zürich</mark>"),
        ("Zu\u0308rich", ("zü",), "<mark>Zu\u0308</mark>rich"),
        ("Straße 5", ("strasse",), "<mark>Straße</mark> 5"),
        ("red   bicycle", ("red bicycle",), "<mark>red   bicycle</mark>"),
        ("red bicycle", ("red", "red bicycle"), "<mark>red bicycle</mark>"),
        ("C++ and C", ("c++",), "<mark>C++</mark> and C"),
        ("see ada@example.org", ("example.org",), "see ada@<mark>example.org</mark>"),
        ("東京都に行く", ("京都",), "東<mark>京都</mark>に行く"),
        ("Ελλάδα", ("ελλαδα",), "<mark>Ελλάδα</mark>"),
        ("がく かく", ("か",), "がく <mark>か</mark>く"),  # another letter, not an accent
        ("か\u3099く", ("が",), "<mark>か\u3099</mark>く"),
        (
            "\u0915\u094d\u200d\u0937",
            ("\u0915",),
            "<mark>\u0915\u094d\u200d</mark>\u0937",
        ),  # what it is joined by
        ("한국어", ("국",), "한<mark>국</mark>어"),
        ("ภาษาไทย", ("ไทย",), "ภาษา<mark>ไทย</mark>"),
        ("\uff21\uff22", ("ab",), "<mark>\uff21\uff22</mark>"),
        ("שָׁלוֹם", ("שלום",), "שָׁלוֹם"),  # points make another word to the index
        ("a.b", ("a.",), "<mark>a.</mark>b"),
        ("axb", ("a.",), "axb"),
        # As the index has found it: signs between words do not count, nor does what is not there of those around them.
        ("a red, big bicycle", ("red big",), "a <mark>red, big</mark> bicycle"),
        ("see ada at example, org", ("example.org",), "see ada at <mark>example, org</mark>"),
        ("Hello Ann", ("hello,",), "<mark>Hello</mark> Ann"),
        ("vitamin C, code", ("c++",), "vitamin <mark>C</mark>, code"),
        ("a_red", ("red",), "a_<mark>red</mark>"),
        ("日本abc", ("abc",), "日本<mark>abc</mark>"),
    ],
)
def test_what_is_marked(text: str, words: tuple[str, ...], marked: str) -> None:
    assert mark(text, words) == marked


def test_of_a_pasted_page_the_same_words_are_marked_in_a_message_and_found_for_its_row() -> None:
    page = " ".join(f"w{number}w" for number in range(2 * MOST_WORDS))
    query = parse(page, datetime.now(UTC))
    marked = re.findall("<mark>(.*?)</mark>", mark(page, query.to_highlight))
    assert marked == [word.text for word in Finder.of(query.words).words]
    assert len(marked) == MOST_WORDS


@given(st.text(), st.lists(st.text(max_size=5), max_size=4))
def test_marking_changes_no_text_and_lets_no_markup_through(text: str, words: list[str]) -> None:
    marked = mark(text, words)
    assert unescape(re.sub("</?mark>", "", marked)).replace("\r", "\n") == unescape(
        re.sub("</?mark>", "", mark(text, ()))
    ).replace("\r", "\n")
    assert "<" not in re.sub("</?mark>", "", marked)
    assert marked.count("<mark>") == marked.count("</mark>")


@given(st.text(min_size=1, max_size=20))
def test_a_text_is_marked_when_it_is_searched_for(text: str) -> None:
    word = re.sub(r"\W", "", text)
    if word and word.casefold().isascii():
        assert mark(word, (word,)) == f"<mark>{word}</mark>"
