"""What the row of a message says of where a search has found it."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from pillarbox.reader.library.index import hits
from pillarbox.reader.library.index.sqlite import SqliteIndex
from pillarbox.reader.mail.summary import summarise
from pillarbox.reader.model import Correspondent, Hit, Where
from tests.reader.library.index.mail import (
    ALICE,
    ARRIVED,
    BOB,
    SENT,
    TRASH,
    WORK,
    entry,
    key_of,
    summary,
)

CAROL = Correspondent("Carol Ng", "carol@sub.example.com")
BEFORE = "lorem ipsum dolor sit amet " * 12
TEXT = f"{BEFORE}and there are bicycles in the cellar, {BEFORE}and a key"
BICYCLES = "…sit amet and there are bicycles in the cellar, lorem ipsum"
NOTHING = Hit()


def said(index: SqliteIndex, query: str, folder: Any = WORK, **more: Any) -> Hit:
    """Of one message, which *query* has to find."""
    index.put([(entry("it", folder), summary(**{"text": TEXT} | more), ARRIVED)])
    (row,) = index.search(query, 0, 10, within=(folder,)).rows
    return index.hits(query, [row.key]).get(row.key, NOTHING)


@pytest.mark.parametrize(
    "query", ["bicycles", "bicy", "BICYCLES ", '"bicycles in the', "bicycles lorem"]
)
def test_the_piece_of_the_text_with_the_word(index: SqliteIndex, query: str) -> None:
    hit = said(index, query)
    assert hit.elsewhere == ()
    (piece,) = hit.pieces
    assert "are bicycles in the cellar" in piece


@pytest.mark.parametrize(
    "query", ["lorem ", "subject:plan", "from:alice", "has:attachment", "-xyzzy"]
)
def test_what_the_row_shows_by_itself_needs_no_words(index: SqliteIndex, query: str) -> None:
    assert said(index, query, subject="A plan", attachments=("a.pdf",)) == NOTHING


@pytest.mark.parametrize(("before", "pieces"), [(18, 0), (21, 1), (36, 1), (51, 1)])
def test_the_opening_stays_where_the_word_is_seen_in_it_on_a_phone(
    index: SqliteIndex, before: int, pieces: int
) -> None:
    text = ("ab " * 30)[:before] + "bahnhof and more"
    assert len(said(index, "bahnhof ", text=text).pieces) == pieces


@pytest.mark.parametrize("query", ["alice ", "plan "])
def test_a_word_of_sender_or_subject_that_is_in_the_text_too_is_shown_there(
    index: SqliteIndex, query: str
) -> None:
    text = f"{BEFORE}Alice has a plan"
    (piece,) = said(index, query, text=text, subject="A plan").pieces
    assert piece.endswith("Alice has a plan")


@pytest.mark.parametrize(
    ("query", "elsewhere"),
    [
        ("ng", (Where.RECIPIENT, "Carol Ng")),
        ("to:carol", (Where.RECIPIENT, "Carol Ng")),
        ("sub.example", (Where.RECIPIENT, "carol@sub.example.com")),
        ('to:"Ng carol"', (Where.RECIPIENT, "Carol Ng <carol@sub.example.com>")),
        ("from:alice@example", (Where.SENDER, "alice@example.org")),
        ("alice@example", (Where.SENDER, "alice@example.org")),
        ("invoice", (Where.FILE, "Invoice 5.pdf")),
        ("filename:invoice", (Where.FILE, "Invoice 5.pdf")),
        ("図 ", (Where.FILE, "図.png")),
    ],
)
def test_what_is_nowhere_in_the_row_is_said(
    index: SqliteIndex, query: str, elsewhere: tuple[Where, str]
) -> None:
    files = ("図.png", "Invoice 5.pdf")
    assert said(index, query, to=(BOB, CAROL), attachments=files) == Hit((), (elsewhere,))


def test_the_end_of_a_long_subject_is_no_part_of_the_row(index: SqliteIndex) -> None:
    subject = "Invitation: planning the reading of all that is new, a festival"
    assert said(index, "planning", subject=subject) == NOTHING
    hit = said(index, "festival", subject=subject)
    assert hit == Hit((), ((Where.SUBJECT, "…is new, a festival"),))


def test_a_phrase_from_one_person_to_the_next_is_shown_by_the_first(index: SqliteIndex) -> None:
    hit = said(index, 'to:"example.com bob"', to=(CAROL, BOB))
    assert hit == Hit((), ((Where.RECIPIENT, "Carol Ng <carol@sub.example.com>"),))


def test_each_word_is_shown_where_it_is(index: SqliteIndex) -> None:
    hit = said(index, "bicycles carol alice invoice ", to=(CAROL,), attachments=("invoice.pdf",))
    assert len(hit.pieces) == 1
    assert "bicycles" in hit.pieces[0]
    assert hit.elsewhere == ((Where.RECIPIENT, "Carol Ng"), (Where.FILE, "invoice.pdf"))


def test_words_that_are_far_from_each_other_are_two_pieces(index: SqliteIndex) -> None:
    first, last = said(index, "bicycles key ").pieces
    assert "bicycles" in first
    assert last.endswith("key")


def test_in_sent_a_row_shows_whom_it_is_to(index: SqliteIndex) -> None:
    assert said(index, "to:carol", SENT, to=(CAROL,)) == NOTHING
    assert said(index, "from:alice", SENT, to=(CAROL,)) == Hit(
        (), ((Where.SENDER, "Alice Zürich"),)
    )


def test_in_sent_one_of_many_is_named(index: SqliteIndex) -> None:
    many = [Correspondent(f"Person {number}", f"p{number}@example.org") for number in range(300)]
    hit = said(index, "to:p299@", SENT, to=(*many, CAROL))
    assert hit == Hit((), ((Where.RECIPIENT, "p299@example.org"),))


def test_a_word_in_a_quote_stands_there_without_its_signs(index: SqliteIndex) -> None:
    quoted = "\n".join(f"> > {line}" for line in ("we have", "three", "tandems", "and no more"))
    (piece,) = said(index, "tandems", text=f"{BEFORE}\n{quoted}\n").pieces
    assert piece.endswith("we have three tandems and no more")


def test_what_is_only_in_the_html_is_shown_as_text(index: SqliteIndex) -> None:
    words = "<p>lorem <b>ipsum</b> " * 60
    data = (
        f"Content-Type: text/html\n\n<html>{words}<td>5 &lt; 6 tan&shy;dems &amp; more</td></html>"
    )
    index.put([(entry("it"), summarise(data.encode()), ARRIVED)])
    (piece,) = index.hits("more ", [key_of("it")])[key_of("it")].pieces
    assert piece.endswith("5 < 6 tan\xaddems & more")


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: tandems\nContent-Type: multipart/encrypted; boundary=x\n\n--x\n\n\n--x--\n",
        b"Subject: tandems\nContent-Type: multipart/mixed\n\n\xff\xfe\x00",
        b"Subject: tandems",
        b"Subject: tandems\n" + b"X: y\n" * 5000,
    ],
)
def test_a_message_without_a_text_has_its_row_as_it_is(index: SqliteIndex, data: bytes) -> None:
    index.put([(entry("it"), summarise(data), ARRIVED)])
    assert index.hits("tandems", [key_of("it")]) == {}


def test_a_message_that_is_gone_is_passed_over(index: SqliteIndex) -> None:
    index.put([(entry("it"), summary(TEXT), ARRIVED), (entry("other"), summary(TEXT), ARRIVED)])
    index.drop([key_of("it")])
    assert index.hits("bicycles", [key_of("it"), key_of("other")]).keys() == {key_of("other")}
    with sqlite3.connect(index.path) as connection:
        assert connection.execute("SELECT count(*) FROM matter").fetchone() == (1,)
    connection.close()


def test_one_that_was_moved_and_is_called_otherwise_is_found_by_its_name(
    index: SqliteIndex,
) -> None:
    index.put([(entry("it"), summary(TEXT), ARRIVED)])
    index.place([(key_of("it"), entry("new", TRASH))])
    assert index.hits("bicycles", [key_of("it"), key_of("new")]).keys() == {key_of("new")}


def test_what_is_damaged_in_the_index_keeps_no_list_from_being_shown(index: SqliteIndex) -> None:
    index.put([(entry("it"), summary(TEXT, to=(ALICE,)), ARRIVED)])
    with sqlite3.connect(index.path) as connection:
        connection.execute("UPDATE matter SET packed = substr(packed, 1, 20)")
    connection.close()
    assert index.hits("bicycles", [key_of("it")]) == {}


def test_very_long_texts_with_nothing_in_them_are_given_up(
    index: SqliteIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows show their openings then; the first ones last."""
    monkeypatch.setattr(hits, "MOST_EFFORT", len(TEXT))
    names = [f"it{number}" for number in range(5)]
    index.put([(entry(name), summary(TEXT), ARRIVED) for name in names])
    keys = [key_of(name) for name in names]
    assert list(index.hits("key xyzzy", keys)) == keys[:1]


def test_so_are_those_where_words_are_everywhere_and_one_is_not(index: SqliteIndex) -> None:
    """A list of these was seconds late."""
    names = [f"it{number}" for number in range(5)]
    text = f"{BEFORE}{'a b c d e f g h i j k l m n o p q r s ' * 1_600}"
    people = (Correspondent("Xyz", "xyz@example.org"),)
    index.put([(entry(name), summary(text, to=people), ARRIVED) for name in names])
    keys = [key_of(name) for name in names]
    found = index.hits("a b c d e f g h i j k l m n o p q r s xyz", keys)
    assert list(found) == keys[: len(found)]
    assert 0 < len(found) < len(keys)
    assert Where.RECIPIENT in dict(found[keys[0]].elsewhere)


def test_a_query_without_words_asks_nothing(index: SqliteIndex) -> None:
    index.put([(entry("it"), summary(TEXT), ARRIVED)])
    assert index.hits("is:unread -lorem", [key_of("it")]) == {}
    assert index.hits("bicycles", []) == {}
