"""format=flowed: the rules of RFC 3676, one by one, and that what was typed is what is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.compose.flowed import LONGEST, Line, flow, lines_of, unflow

LONG = "The quick brown fox jumps over the lazy dog, and then again, and once more for luck."


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("", [""]),
        ("short", ["short"]),
        ("two\nlines", ["two", "lines"]),
        ("ends with spaces   ", ["ends with spaces"]),  # else it would flow (4.2)
        (" indented", ["  indented"]),  # space-stuffing (4.4)
        ("From here on", [" From here on"]),
        (">quoted", ["> quoted"]),
        ("> quoted", ["> quoted"]),
        (">> deeper", [">> deeper"]),
        ("> > other style", ["> > other style"]),
        (">", [">"]),
        (">  indented", [">  indented"]),
        ("-- ", ["-- "]),  # never flowed, and keeps its space (4.3)
        ("> -- ", ["> -- "]),
        ("--  ", ["--"]),
        ("x" * 200, ["x" * 200]),  # a word is never cut
        (
            LONG,
            [
                "The quick brown fox jumps over the lazy dog, and then again, and once ",
                "more for luck.",
            ],
        ),
        (
            f"> {LONG}",
            [
                "> The quick brown fox jumps over the lazy dog, and then again, and once ",
                "> more for luck.",
            ],
        ),
    ],
)
def test_what_is_sent(typed: str, sent: list[str]) -> None:
    assert flow(typed) == sent


@pytest.mark.parametrize(
    ("wire", "delsp", "read"),
    [
        ("one \ntwo", False, [Line(0, "one two")]),
        ("one \ntwo", True, [Line(0, "onetwo")]),
        (" >not a quote", False, [Line(0, ">not a quote")]),
        ("> one \n> two", False, [Line(1, "one two")]),
        (">one \n> two", False, [Line(1, "one two")]),
        # RFC 3676, section 4.5: the depth changes, so the paragraph ends.
        ("> one \n>> two", False, [Line(1, "one "), Line(2, "two")]),
        (">>> deep", False, [Line(3, "deep")]),
        ("end \n-- \nAda", False, [Line(0, "end "), Line(0, "-- "), Line(0, "Ada")]),
        ("a\r\nb", False, [Line(0, "a"), Line(0, "b")]),
    ],
)
def test_what_is_read(wire: str, delsp: bool, read: list[Line]) -> None:
    assert unflow(wire, delsp=delsp) == read


typed_texts = st.lists(
    st.one_of(
        st.text(max_size=200),
        st.text("ab >-.", max_size=300),
        st.sampled_from(["-- ", "> -- ", f"{LONG} -- {LONG}", "From x", f">>> {LONG * 3}"]),
    ),
    max_size=8,
).map("\n".join)


@given(typed_texts)
def test_what_was_typed_is_what_is_read(typed: str) -> None:
    assert unflow("\r\n".join(flow(typed))) == lines_of(typed)


@given(typed_texts)
def test_no_line_is_longer_than_its_words_make_it(typed: str) -> None:
    for wire in flow(typed):
        words = wire.lstrip(">").strip(" ")
        assert len(wire.rstrip(" ")) <= LONGEST or " " not in words


@given(typed_texts)
def test_sending_what_was_read_sends_the_same(typed: str) -> None:
    once = flow(typed)
    assert flow("\n".join(map(str, unflow("\r\n".join(once))))) == once
