"""Quotes, signatures, subjects: what an answer begins with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.compose.markup import as_html
from pillarbox.reader.compose.plain import plain_of
from pillarbox.reader.compose.quoting import forwarded, forwarded_html, quoted, quoted_html
from pillarbox.reader.compose.signatures import parted, signed, signed_anew, split_signature
from pillarbox.reader.compose.subjects import answering, forwarding
from pillarbox.reader.mail.letter import Letter
from pillarbox.reader.model import Correspondent

ADA = Correspondent("Ada <Lovelace>", "ada@x.example")
DATE = datetime(2026, 11, 3, 10, 42, tzinfo=UTC)
LETTER = Letter(
    "Tea", (ADA,), (Correspondent("", "b@x.example"),), date=DATE, text="\nOne\n\n> two\n-- \nAda\n"
)


def test_an_answer_quotes_the_text_without_its_signature() -> None:
    assert quoted(LETTER, UTC) == (
        "On 3 Nov 2026 at 10:42, Ada <Lovelace> wrote:\n> One\n>\n>> two"
    )


def test_flowed_text_is_quoted_by_paragraphs() -> None:
    letter = Letter("", (ADA,), text="a long \nparagraph\n> quoted \n> too", flowed=True)
    assert quoted(letter, UTC) == "Ada <Lovelace> wrote:\n> a long paragraph\n>> quoted too"


def test_a_forwarded_message_is_whole_and_says_whose_it_was() -> None:
    assert forwarded(LETTER, UTC) == (
        "---------- Forwarded message ----------\nFrom: Ada <Lovelace> <ada@x.example>\n"
        "Date: 3 Nov 2026 at 10:42\nSubject: Tea\nTo: b@x.example\n\nOne\n\n> two\n-- \nAda"
    )


def test_names_are_escaped_in_html() -> None:
    for html in (quoted_html(LETTER, "<p>x</p>", UTC), forwarded_html(LETTER, "<p>x</p>", UTC)):
        assert "Ada &lt;Lovelace&gt;" in html
        assert "<p>x</p>" in html


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("Tea", "Re: Tea"),
        ("Re: Tea", "Re: Tea"),
        ("RE: re: Tea", "Re: Tea"),
        ("AW: Tea", "Re: Tea"),
        ("SV: VS: Antw: Tea", "Re: Tea"),
        ("Re[2]: Tea", "Re: Tea"),
        ("Re : Tea", "Re: Tea"),
        ("回复\uff1aTea", "Re: Tea"),
        ("Fwd: Tea", "Re: Fwd: Tea"),
        ("Rest: a plan", "Re: Rest: a plan"),
        ("", "Re:"),
    ],
)
def test_answers_do_not_pile_up(subject: str, answer: str) -> None:
    assert answering(subject).strip() == answer


@pytest.mark.parametrize(
    ("subject", "forward"),
    [("Tea", "Fwd: Tea"), ("WG: Fw: Tea", "Fwd: Tea"), ("Re: Tea", "Fwd: Re: Tea")],
)
def test_nor_do_forwards(subject: str, forward: str) -> None:
    assert forwarding(subject) == forward


@pytest.mark.parametrize(
    ("text", "old", "new", "result"),
    [
        ("Hi\n\n-- \nA\n", "A", "B", "Hi\n\n-- \nB\n"),
        ("Hi\n\n-- \nA changed\n", "A", "B", "Hi\n\n-- \nA changed\n"),
        ("Hi\n\n-- \nA\n", "A", "", "Hi"),
        ("Hi", "", "B", "Hi\n\n-- \nB\n"),
        ("Hi\n\n-- \nmine\n", "", "B", "Hi\n\n-- \nmine\n"),
        ("Hi", "A", "B", "Hi"),
        ("Hi\n\n\n\n-- \nA\n", "A", "B", "Hi\n\n\n\n-- \nB\n"),
        ("Hi\n-- \nA\n", "A", "", "Hi"),
        ("Hi\n\n", "", "B", "Hi\n\n\n\n-- \nB\n"),
        ("Hi\n\n", "", "", "Hi\n\n"),
    ],
)
def test_another_identity_has_another_signature(text: str, old: str, new: str, result: str) -> None:
    assert signed_anew(text, old, new) == result


@pytest.mark.parametrize(
    ("text", "words", "below"),
    [
        ("Hi\n\n-- \nA\nB\n\nP.S. Tea\n", "Hi\n\nP.S. Tea\n", "-- \nA\nB\n"),
        ("Hi\n\n-- \nA\nB\n\n", "Hi\n\n", "-- \nA\nB\n\n"),
        ("Hi\n\n-- \nA\nBC\nP.S.", "Hi\n\n", "-- \nA\nBC\nP.S."),
        ("Hi\n\n-- \nmine\nP.S.", "Hi\n\n", "-- \nmine\nP.S."),
        ("Hi", "Hi", ""),
    ],
)
def test_a_postscript_below_the_signature_is_words(text: str, words: str, below: str) -> None:
    assert parted(text, "A\nB\n") == (words, below)


@given(st.text("ab\n-> "), st.text("ab\n", min_size=1))
def test_a_signature_can_be_taken_off_again(text: str, signature: str) -> None:
    whole = signed(text, signature)
    words, below = split_signature(whole)
    assert words + below == whole
    if signature.strip():
        inner = signature.strip("\n")
        assert below == f"-- \n{inner}\n"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("a<br>b", "a\nb"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<blockquote><p>q</p><blockquote>r</blockquote></blockquote>s", "> q\n>\n>> r\ns"),
        ("<ul><li>a</li><li>b</li></ul>", "* a\n* b"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ('x <img src="y" alt="[picture]"> z', "x [picture] z"),
        ("</blockquote></pre>x", "x"),
        ("", ""),
    ],
)
def test_html_as_text(html: str, text: str) -> None:
    assert plain_of(html) == text


@given(st.text(st.characters(exclude_characters="\0"), max_size=200))
def test_typed_text_is_harmless_as_html_and_reads_the_same(typed: str) -> None:
    html = as_html(typed)
    assert "<script" not in html
    words = "".join(plain_of(html).split())
    assert words.replace(">", "") == "".join(typed.split()).replace(">", "")


def test_links_in_typed_text_are_links() -> None:
    html = as_html('see https://x.example/a?b=1&c=2. "https://y.example"')
    assert '<a href="https://x.example/a?b=1&amp;c=2">' in html
    assert '<a href="https://y.example">' in html


def test_quotes_in_typed_text_are_quotes_however_deep() -> None:
    html = as_html("a\n> b\n>> c\n" + ">" * 5000 + " d")
    assert html.count("<blockquote") == html.count("</blockquote>") < 50
    assert plain_of(html).startswith("a\n> b\n>> c")
