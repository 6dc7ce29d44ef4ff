"""Marking what was searched for."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.library.index import folding
from pillarbox.reader.web.marking import fold, mark


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
        ("한국어", ("국",), "한<mark>국</mark>어"),
        ("ภาษาไทย", ("ไทย",), "ภาษา<mark>ไทย</mark>"),
        ("\uff21\uff22", ("ab",), "<mark>\uff21\uff22</mark>"),
        ("שָׁלוֹם", ("שלום",), "שָׁלוֹם"),  # points make another word to the index
        ("a.b", ("a.",), "<mark>a.</mark>b"),
        ("axb", ("a.",), "axb"),
    ],
)
def test_what_is_marked(text: str, words: tuple[str, ...], marked: str) -> None:
    assert mark(text, words) == marked


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


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_texts_are_folded_as_the_index_folds_them(text: str) -> None:
    folded, places = fold(text)
    assert folded == folding.fold(text)
    assert len(places) == len(folded)
    assert places == sorted(places)
    assert all(0 <= place < len(text) for place in places)
