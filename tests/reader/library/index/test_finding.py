"""Words are found in a text where the index finds them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillarbox.reader.library.index.finding import MOST_OF_A_WORD, Finder
from pillarbox.reader.library.index.folding import fold, spaced
from pillarbox.reader.library.index.matching import _phrase
from pillarbox.reader.library.index.query import parse
from pillarbox.reader.library.index.schema import STATEMENTS
from tests.reader.library.index.mail import NOW
from tests.work.calls import Calls

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
    assert finder.effort < 2 * len(FAR)


LETTERS_OF_ONE = "a b c d e f g h i j k l m n o p q r s"
CROWDED = f"{LETTERS_OF_ONE} " * 1_600
"""As long as a text of the index can be, and each of these words is everywhere in it."""


def test_words_that_are_everywhere_are_counted_and_given_up_where_another_is_nowhere() -> None:
    """Of each text of a list it took seconds, and counted as the looking through of the text."""
    finder = Finder.of(parse(f"{LETTERS_OF_ONE} xyzzy", NOW).words)
    places = finder.places(CROWDED, range(20))
    assert {place.word for place in places} == set(range(19))
    assert len(places) < 20 * 1_000
    assert 100 * len(places) < finder.effort < 21 * (MOST_OF_A_WORD + 2_000)


def test_one_behind_words_that_are_everywhere_is_found() -> None:
    text = f"{CROWDED}xyzzy"
    assert found(f"{LETTERS_OF_ONE} xyzzy", text) == [*LETTERS_OF_ONE.split(), "xyzzy"]


@pytest.mark.parametrize(
    ("phrase", "text"),
    [("a " * 200 + "b", "a " * 32_000), ("的" * 200 + "b", "的" * 64_000)],
    ids=["with spaces", "without"],
)
def test_a_phrase_that_is_begun_everywhere_is_counted_and_given_up(phrase: str, text: str) -> None:
    """Each try goes on for the whole of it."""
    finder = Finder.of(parse(f'"{phrase}"', NOW).words)
    with Calls() as calls:
        assert finder.places(text, [0]) == []
    tries = sum(n for name, n in calls.made.items() if name.startswith("Pattern.match,"))
    assert 0 < tries * len(phrase) < 2 * MOST_OF_A_WORD
    assert tries * len(phrase) <= finder.effort


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
