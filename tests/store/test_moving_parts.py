"""The parts of moving that are the same for all engines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.contracts.transfer import MARK_OCTETS, mark_of
from pillarbox.store.moving import marks_in, reordered

ORDERS = st.lists(st.integers(1, 40), unique=True, max_size=12)


@given(ORDERS, st.integers(41, 60))
def test_sequence_numbers_rise_in_the_wanted_order(order: list[int], next_seq: int) -> None:
    changes = dict(reordered(order, next_seq))
    became = [changes.get(seq, seq) for seq in order]
    assert became == sorted(set(became))
    assert set(changes) <= set(order)
    assert sorted(changes.values()) == list(range(next_seq, next_seq + len(changes)))


@given(ORDERS)
def test_what_is_in_order_stays(order: list[int]) -> None:
    assert reordered(sorted(order), 41) == []


def test_only_what_is_behind_the_first_that_is_wrong_moves() -> None:
    assert reordered([1, 2, 7, 5, 9], 10) == [(7, 10), (5, 11), (9, 12)]


@given(st.lists(st.text(), max_size=5))
def test_marks_are_found_again(names: list[str]) -> None:
    marks = [mark_of(name) for name in names]
    assert list(marks_in(b"".join(marks))) == marks
    assert {len(mark) for mark in marks} <= {MARK_OCTETS}
    assert len(set(marks)) == len(set(names))
