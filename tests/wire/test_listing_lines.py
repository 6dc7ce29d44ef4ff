"""The lines of LIST and UIDL: RFC 1939, sections 5 and 7."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.listing_lines import listing_lines
from pillarbox.wire.listings import parse_scans, parse_unique_ids


def test_a_line_is_a_number_a_space_and_what_is_said() -> None:
    assert listing_lines(1, ["120", "200"]) == b"1 120\r\n2 200\r\n"
    assert listing_lines(9, ["whqtswO00WBw418f9t5JxYwZ"]) == b"9 whqtswO00WBw418f9t5JxYwZ\r\n"


def test_nothing_makes_no_line() -> None:
    for first in (1, 999, 1000, 1001, 123_000):
        assert listing_lines(first, []) == b""


def test_what_is_left_out_moves_no_number() -> None:
    assert listing_lines(1, ["a", "b", "c"], {2}) == b"1 a\r\n3 c\r\n"
    assert listing_lines(4001, ["a", "b", "c"], {1, 4001, 9999}) == b"4002 b\r\n4003 c\r\n"
    assert listing_lines(1, ["a", "b"], frozenset({1, 2})) == b""


@pytest.mark.parametrize(
    "first", [1, 2, 998, 999, 1000, 1001, 1999, 2000, 9_999, 99_999, 1_000_000]
)
@pytest.mark.parametrize("count", [1, 2, 3, 999, 1000, 1001, 2500])
def test_every_number_is_written_as_it_is(first: int, count: int) -> None:
    column = [f"{n:x}-id" for n in range(count)]
    lines = listing_lines(first, column).split(b"\r\n")
    assert lines.pop() == b""
    assert lines == [b"%d %s" % (first + n, said.encode()) for n, said in enumerate(column)]


@given(
    st.integers(1, 3_000_000),
    st.lists(
        st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=70)
    ),
    st.sets(st.integers(0, 60)),
)
def test_any_unique_id_is_read_as_it_was_said(
    first: int, column: list[str], left_out: set[int]
) -> None:
    """Also ``%s``, ``#`` and braces: what is said is never taken for a pattern."""
    without = {first + n for n in left_out}
    entries, junk = parse_unique_ids(listing_lines(first, column, without))
    expected = [(n, said) for n, said in enumerate(column, first) if n not in without]
    assert (entries, junk) == (expected, 0)


@given(st.integers(1, 3_000_000), st.lists(st.integers(0, 2**63 - 1)))
def test_octets_are_read_as_they_were_said(first: int, octets: list[int]) -> None:
    entries, junk = parse_scans(listing_lines(first, list(map(str, octets))))
    assert (entries, junk) == (list(enumerate(octets, first)), 0)
