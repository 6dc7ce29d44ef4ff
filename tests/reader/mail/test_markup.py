"""The words of HTML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.mail.markup import LONGEST_TARGET, words_of


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("", ""),
        ("just words", "just words"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<BR/>three", "one\ntwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("a <b>bold</b>,\n  <i>slanted</i> word", "a bold, slanted word"),
        ("&lt;b&gt; &amp; &eacute;&nbsp;&#8364;", "<b> & é €"),
        ("<style>p{}</style>x<script>if (a<b) {}</script>y", "xy"),
        ("<head><title>t</title><meta>no<body>yes", "yes"),
        ("a<!-- <p>no</p> -->b<!---->c", "abc"),
        ("a<!-- never ends <p>no", "a"),
        ("<!doctype html><?xml?>a", "a"),
        ('<a title="x > y">z</a>', "z"),
        ("<a title='x > y'>z</a>", "z"),
        ('<a title="never ends>z</a>', "z"),
        ("3 < 4 and <3", "3 < 4 and <3"),
        ("a<b", "a"),
        ("x\x00y\u202ez", "xyz"),
    ],
)
def test_table(markup: str, words: str) -> None:
    assert words_of(markup, 1_000) == words


@given(st.text(alphabet="<>!-/ab'\"& p#x;\n", max_size=200), st.integers(0, 50))
def test_it_is_bounded_and_never_fails(markup: str, at_most: int) -> None:
    assert len(words_of(markup, at_most)) <= at_most


@pytest.mark.parametrize(
    "bomb", ["<", "<!--", "<a '", '<a "', "<![CDATA[", "&", "<script>", "<p", "&#"]
)
def test_work_grows_with_length_and_no_faster(bomb: str) -> None:
    """Each of these takes minutes where every one of them looks for its end."""
    assert len(words_of(bomb * 200_000, 100)) <= 100


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (
            '<a href="https://a.example/x?a=1&amp;b=2">Here</a>.',
            "Here <https://a.example/x?a=1&b=2>.",
        ),
        ("<A HREF='https://a.example/'>a.example</A> b", "a.example b"),
        ("<a href=https://a.example/x>https://a.example/x</a>", "https://a.example/x"),
        ('<a href="mailto:a@x.example">a@x.example</a>', "a@x.example"),
        ('<a href="mailto:a@x.example">Ada</a>', "Ada <mailto:a@x.example>"),
        ('<a href="https://a.example/"><img src="x"></a>', "<https://a.example/>"),
        ('<a href="https://a.example/a b">x</a>', "x <https://a.example/a%20b>"),
        (
            '<a href="https://a.example/1">x<a href="https://a.example/2">y</a>',
            "x <https://a.example/1>y <https://a.example/2>",
        ),
        ('<a href="javascript:alert(1)">x</a>', "x"),
        ('<a href="#top">x</a><a name="top">y</a>', "xy"),
        (f'<a href="https://a.example/{"x" * LONGEST_TARGET}">x</a>', "x"),
        ('<style><a href="https://a.example/">x</a></style>y', "y"),
    ],
)
def test_where_links_lead_if_that_is_wanted(markup: str, text: str) -> None:
    assert words_of(markup, 10_000, targets=True) == text
    assert "https" not in words_of(markup, 10_000) or ">https" in markup
