"""Which messages belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.reader.library.index import threads
from pillarbox.reader.library.index.sqlite import SqliteIndex
from pillarbox.reader.model import Correspondent
from tests.reader.library.index.mail import (
    ALICE,
    ARRIVED,
    BOB,
    HOME,
    TRASH,
    WORK,
    entry,
    key_of,
    summary,
)

MOST = 30
"""Of a thread, where a test fills one."""


@pytest.fixture
def short_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MOST_MESSAGES", MOST)


CAROL = Correspondent("Carol", "carol@example.com")


def put(index: SqliteIndex, base: str, own: str = "", *named: str, **more: Any) -> None:
    index.put([(entry(base), summary(message_id=own, references=named, **more), ARRIVED)])


def together(index: SqliteIndex, base: str) -> set[str]:
    """Subjects of a message's thread: they are the base names here."""
    return {str(row.key) for row in index.thread(key_of(base))}


def keys(*names: str) -> set[str]:
    return {str(key_of(name)) for name in names}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_answers_in_any_order(index: SqliteIndex, order: Sequence[int]) -> None:
    mail = [("a", "a@x"), ("b", "b@x", "a@x"), ("c", "c@x", "a@x", "b@x")]
    for which in order:
        put(index, *mail[which])
    assert together(index, "a") == keys("a", "b", "c")


def test_a_late_parent_joins_what_was_apart(index: SqliteIndex) -> None:
    put(index, "b", "b@x", "a@x")
    put(index, "c", "c@x", "b0@x")
    assert together(index, "b") == keys("b")
    put(index, "a", "b0@x", "a@x")
    assert together(index, "b") == together(index, "c") == keys("a", "b", "c")
    page = index.page([WORK], 0, 10)
    assert (page.total, page.rows[0].in_thread) == (1, 3)


def test_answers_to_a_message_that_never_came(index: SqliteIndex) -> None:
    put(index, "b", "b@x", "a@x")
    put(index, "c", "c@x", "a@x")
    assert together(index, "b") == keys("b", "c")


def test_copies_of_a_message_are_in_one_thread(index: SqliteIndex) -> None:
    put(index, "direct", "a@x")
    put(index, "by list", "a@x")
    assert together(index, "direct") == keys("direct", "by list")
    assert {row.key for row in index.with_message_id("a@x")} == keys("direct", "by list")
    assert index.with_message_id("") == index.with_message_id("b@x") == []


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ("a@x", ("a@x",)),
        ("a@x", ("b@x", "a@x", "b@x")),
        ("", ("", " ")),
        ("a@x", tuple(f"{number}@x" for number in range(1000))),
        ("x" * 10_000, ("y" * 10_000,)),
        ("\ud800", ("\x00",)),
    ],
)
def test_odd_references(index: SqliteIndex, own: str, named: tuple[str, ...]) -> None:
    put(index, "odd", own, *named)
    put(index, "other", "b@y", "a@y")
    assert together(index, "odd") == keys("odd")


def test_messages_without_any_id_are_apart(index: SqliteIndex) -> None:
    put(index, "a")
    put(index, "b")
    assert together(index, "a") == keys("a")


def test_of_many_references_the_first_and_the_last_count(index: SqliteIndex) -> None:
    named = [f"{number}@x" for number in range(1000)]
    put(index, "first", "0@x")
    put(index, "middle", "500@x")
    put(index, "last", "999@x")
    put(index, "answer", "answer@x", *named)
    assert together(index, "answer") == keys("first", "last", "answer")


@pytest.mark.parametrize(
    ("more", "joined"),
    [
        ({"subject": "Re: Plans"}, True),
        ({"subject": "AW: plans "}, True),
        ({"subject": "Re: Fwd: [list] Plans"}, True),
        ({"subject": "Plans"}, False),
        ({"subject": "Fwd: Plans"}, False),
        ({"subject": "Re: Other"}, False),
        ({"subject": "Re: Plans", "days_ago": 0}, True),
        ({"subject": "Re: Plans", "days_ago": -25}, False),
        ({"subject": "Re: Plans", "sender": CAROL, "to": ()}, False),
        ({"subject": "Re: Plans", "sender": CAROL, "to": (ALICE,)}, True),
        ({"subject": "Re: Plans", "references": ("z@x",)}, False),
    ],
)
def test_by_subject_as_a_last_resort(
    index: SqliteIndex, more: dict[str, Any], joined: bool
) -> None:
    index.put([(entry("a"), summary(subject="Plans", days_ago=10, to=(BOB,)), ARRIVED)])
    given: dict[str, Any] = {"days_ago": 5, "sender": BOB, "to": (ALICE,), **more}
    index.put([(entry("b"), summary(**given), ARRIVED + 30 * 86_400)])
    assert (together(index, "a") == keys("a", "b")) is joined


def test_a_subject_of_nothing_joins_nobody(index: SqliteIndex) -> None:
    put(index, "a", subject="Hi")
    put(index, "b", subject="Re: Hi")
    put(index, "c", subject="Re:")
    put(index, "d", subject="Re:")
    assert together(index, "b") == keys("b")
    assert together(index, "c") == keys("c")


@pytest.mark.usefixtures("short_threads")
def test_an_id_that_is_everywhere_makes_no_thread_of_a_whole_mailbox(index: SqliteIndex) -> None:
    many = 2 * MOST + 10
    index.put(
        (entry(f"{number}"), summary(message_id=f"{number}@x", references=("bad@x",)), ARRIVED)
        for number in range(many)
    )
    page = index.page([WORK], 0, many)
    assert sum(row.in_thread for row in page.rows) == many
    assert max(row.in_thread for row in page.rows) == MOST


@pytest.mark.usefixtures("short_threads")
def test_a_full_thread_goes_on_in_another(index: SqliteIndex) -> None:
    many = MOST + 20
    index.put(
        (
            entry(f"{number}"),
            summary(
                message_id=f"{number}@x",
                references=("0@x", f"{number - 1}@x") if number else (),
                days_ago=many - number,
            ),
            ARRIVED,
        )
        for number in range(many)
    )
    page = index.page([WORK], 0, 10)
    assert [row.in_thread for row in page.rows] == [20, MOST]


@pytest.mark.usefixtures("short_threads")
def test_two_large_threads_are_not_joined(index: SqliteIndex) -> None:
    for name in ("a", "b"):
        index.put(
            (entry(f"{name}{number}"), summary(references=(f"{name}@x",)), ARRIVED)
            for number in range(MOST * 2 // 3)
        )
    put(index, "bridge", "bridge@x", "a@x", "b@x")
    assert len(together(index, "bridge")) == MOST * 2 // 3 + 1
    assert index.page([WORK], 0, 10).total == 2


def test_what_a_message_connected_stays_connected(index: SqliteIndex) -> None:
    put(index, "a", "a@x")
    put(index, "b", "b@x", "a@x")
    index.drop([key_of("a")])
    put(index, "c", "c@x", "a@x")
    assert together(index, "c") == keys("b", "c")


def test_a_thread_whose_messages_are_all_gone_is_forgotten(index: SqliteIndex) -> None:
    put(index, "b", "b@x", "a@x")
    put(index, "c", "c@x", "a0@x")
    put(index, "bridge", "d@x", "a@x", "a0@x")
    index.drop([key_of("b"), key_of("c"), key_of("bridge")])
    put(index, "e", "e@x", "a@x")
    put(index, "f", "f@x", "a0@x")
    assert together(index, "e") == keys("e")


def test_a_thread_over_folders(index: SqliteIndex) -> None:
    index.put(
        (entry(name, folder), summary(message_id="a@x", days_ago=age), ARRIVED)
        for name, folder, age in [("a", WORK, 3), ("b", HOME, 2), ("c", TRASH, 1)]
    )
    assert [row.key for row in index.thread(key_of("a"))] == [key_of("a"), key_of("b")]
    assert len(index.thread(key_of("c"))) == 3
    assert [row.key for row in index.page([WORK], 0, 10).rows] == [key_of("a")]
    page = index.page([WORK, HOME], 0, 10)
    assert [(row.key, row.in_thread, row.folder) for row in page.rows] == [(key_of("b"), 2, HOME)]
    assert page.total == 1
    assert index.page([WORK, TRASH], 0, 10).total == 2


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_order_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    ids = st.sampled_from([f"{number}@x" for number in range(8)])
    mail = data.draw(
        st.lists(st.tuples(ids, st.lists(ids, max_size=3, unique=True)), min_size=1, max_size=8)
    )
    order = data.draw(st.permutations(range(len(mail))))
    found = []
    for some in (list(range(len(mail))), order):
        path = tmp_path_factory.mktemp("index") / "index.db"
        with SqliteIndex(path, key_of) as index:
            for which in some:
                own, named = mail[which]
                put(index, str(which), own, *named)
            found.append([together(index, str(which)) for which in range(len(mail))])
    assert found[0] == found[1]
