"""Words are found in a text where the index finds them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillarbox.reader.library.index.finding import Finder
from pillarbox.reader.library.index.folding import fold, spaced
from pillarbox.reader.library.index.matching import _phrase
from pillarbox.reader.library.index.query import parse
from pillarbox.reader.library.index.schema import STATEMENTS
from tests.reader.library.index.mail import NOW

FAR = "lorem ipsum " * 400


def found(query: str, text: str) -> list[str]:
    """What *query* finds in *text*: the first place of each word."""
    finder = Finder.of(parse(query, NOW).words)
    places = finder.places(text, range(len(finder.words)))
    first = {place.word: place for place in reversed(places)}
    return [text[first[word].start : first[word].end] for word in sorted(first)]


@pytest.mark.parametrize(
    ("query", "text", "places"),
    [
        ("plan", "a Plan", ["Plan"]),
        ("plan ", "planet, plan.", ["plan"]),
        ("plan", "planet, plan.", ["plan"]),
        ("plan ", "planet", []),
        ("lan", "plan", []),
        ("plan -big", "the big plan", ["plan"]),
        ("big plan ", "a plan, big", ["big", "plan"]),
        ('"big plan"', "big, no plan; a big\u2014plan!", ["big\u2014plan"]),
        ('"big pl', "a big  planet", ["big  pl"]),
        ("strasse ", "Große Straße 5", ["Straße"]),
        ("zürich ", "in Zu\u0308rich", ["Zu\u0308rich"]),
        ("\uff41\uff42 ", "x AB", ["AB"]),
        ("ελλαδα ", "Ελλάδα", ["Ελλάδα"]),
        ("京都 ", "東京都に", ["京都"]),
        ("行く予定 ", "東京都に行く予定です", ["行く予定"]),
        ("abc ", "日本abcです", ["abc"]),
        ("서울 ", "내일 서울에서", ["서울"]),
        ("ไทย ", "ภาษาไทย", ["ไทย"]),
        ("y ", "x_y", ["y"]),
        ("c++ ", "c, and C++", ["C++"]),
        ("c++ ", "vitamin C, code", ["C"]),
        ("lunch? ", "launch, lunch", ["lunch"]),
        ("example.org ", "Example, Org", ["Example, Org"]),
        ("from:plan ", "plan", ["plan"]),  # which text it is, is for who asks
        ("needle ", f"{FAR}Needle {FAR}", ["Needle"]),
        ('"two words"', f"{FAR[:995]} two words {FAR}", ["two words"]),
        ("naïve", f"{'ï' * 3000} {FAR} naive", ["naive"]),
    ],
)
def test_where_words_are(query: str, text: str, places: list[str]) -> None:
    assert found(query, text) == places


def test_a_word_that_is_everywhere_is_not_looked_for_to_the_end() -> None:
    finder = Finder.of(parse("lorem ", NOW).words)
    places = finder.places(FAR * 100, [0])
    assert 1 <= len(places) < 50
    assert finder.effort < len(FAR)


@pytest.fixture(scope="module")
def words() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    (statement,) = (one for one in STATEMENTS if "fts5" in one)
    connection.execute(statement)
    yield connection
    connection.close()


LETTERS = "abçÄßﬁ. ,_-+5京都ไทㅎ한がΣ\u0301\u3099\u05e9\u05e2\u0627\uff41"
TEXT = st.text(st.sampled_from(LETTERS), max_size=30).map(lambda text: " ".join(text.split()))


@given(TEXT, TEXT, st.booleans())
@example("Ä_b", "b", False)
@example("a..b", "a.b", False)
@example("京 都", "京都", False)
def test_it_is_found_where_the_index_finds_it_and_nowhere_else(
    words: sqlite3.Connection, text: str, word: str, ended: bool
) -> None:
    query = parse(f'"{word}"' if ended else f'"{word}', NOW)
    if not query.words:
        return
    (sought,) = query.words
    with words:
        words.execute("INSERT INTO words (words) VALUES ('delete-all')")
        words.execute("INSERT INTO words (rowid, text) VALUES (1, ?)", (spaced(fold(text)),))
        (there,) = words.execute(
            "SELECT count(*) FROM words WHERE words MATCH ?", (_phrase(sought),)
        ).fetchone()
    finder = Finder.of([sought])
    places = finder.places(text, [0])
    assert bool(places) == bool(there)
    for place in places:
        assert 0 <= place.start < place.end <= len(text)
