"""Plain text as blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.mail.prose import Block, Kind, find_links, read_prose, unflow


def shape(blocks: tuple[Block, ...]) -> list[tuple[str, int, str]]:
    return [
        (
            block.kind.value,
            block.depth,
            "|".join("".join(r.text for r in line) for line in block.lines),
        )
        for block in blocks
    ]


def test_paragraphs_quotes_and_a_signature() -> None:
    text = "Yes.\nMore.\n\n\nLast.\n> q1\n>> q2\n> > q2 too\n> q1\nno\n-- \nJane\n\nphone\n"
    assert shape(read_prose(text)) == [
        ("paragraph", 0, "Yes.|More."),
        ("paragraph", 0, "Last."),
        ("quote", 1, "q1"),
        ("quote", 2, "q2|q2 too"),
        ("quote", 1, "q1"),
        ("paragraph", 0, "no"),
        ("signature", 0, "--|Jane||phone"),
    ]


def test_what_is_quoted_below_a_signature_is_a_quote() -> None:
    blocks = read_prose("a\n-- \nJane\n> old\nafter\n")
    assert [block.kind for block in blocks] == [
        Kind.PARAGRAPH,
        Kind.SIGNATURE,
        Kind.QUOTE,
        Kind.PARAGRAPH,
    ]


@pytest.mark.parametrize(
    ("text", "delsp", "lines"),
    [
        ("one \ntwo\nthree", False, [(0, "one two"), (0, "three")]),
        ("par \nagraph", True, [(0, "paragraph")]),
        ("> a \n> b\n>> c", False, [(1, "a b"), (2, "c")]),
        ("> a \nb", False, [(1, "a "), (0, "b")]),
        (" >stuffed\n  two", False, [(0, ">stuffed"), (0, " two")]),
        ("a \n-- \nb", False, [(0, "a "), (0, "-- "), (0, "b")]),
        ("ends flowed ", False, [(0, "ends flowed ")]),
    ],
)
def test_flowed(text: str, delsp: bool, lines: list[tuple[int, str]]) -> None:
    """RFC 3676, sections 4.1 to 4.5."""
    assert list(unflow(text, delsp=delsp)) == lines


@pytest.mark.parametrize(
    ("line", "links"),
    [
        ("see https://example.org/a.", ["https://example.org/a"]),
        ("(https://example.org/a_(b)).", ["https://example.org/a_(b)"]),
        ("<https://example.org/?a=1&b=2>", ["https://example.org/?a=1&b=2"]),
        ("HTTP://EXAMPLE.ORG, mailto:a@b.example!", ["HTTP://EXAMPLE.ORG", "mailto:a@b.example"]),
        ("javascript:alert(1) ftp://x data:text/html,x", []),
        ("mailto:", []),
        ("no link", []),
        ("“https://example.org/”", ["https://example.org/"]),
    ],
)
def test_links(line: str, links: list[str]) -> None:
    runs = find_links(line)
    assert [run.link for run in runs if run.link] == links
    assert "".join(run.text for run in runs) == line


@given(st.text(alphabet="> -a\n:/.htps@", max_size=200), st.booleans(), st.booleans())
def test_no_word_is_lost(text: str, flowed: bool, delsp: bool) -> None:
    blocks = read_prose(text, flowed=flowed, delsp=delsp)
    shown = "".join(run.text for block in blocks for line in block.lines for run in line)
    assert [c for c in shown if c == "a"] == [c for c in text if c == "a"]
