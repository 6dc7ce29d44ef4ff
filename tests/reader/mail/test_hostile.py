"""Messages that are made to keep the reader busy, or to break it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pillarbox.reader.mail.clean import clean
from pillarbox.reader.mail.dates import read_date
from pillarbox.reader.mail.letter import CUT, read_letter
from pillarbox.reader.mail.limits import HTML_DEPTH, LETTER_LINES, TAGS
from pillarbox.reader.mail.summary import summarise

LONG_NUMBER = "1" * 5_000
"""More digits than Python makes a number of."""


def cleaned(markup: str) -> str:
    return clean(markup, remote=False, cid=lambda _: None).html


@pytest.mark.parametrize(
    "reference", [f"&#{LONG_NUMBER};", f"&#{LONG_NUMBER}", f"&#x{LONG_NUMBER};"]
)
def test_a_character_reference_of_any_length_breaks_nothing(reference: str) -> None:
    html = f"before {reference} behind <meta name='{reference}'>"
    message = f"Content-Type: text/html\nSubject: x\n\n{html}".encode()
    assert summarise(message).subject == "x"
    text = read_letter(message).text
    assert text.startswith("before ")
    assert " behind" in text
    assert cleaned(html).startswith("before ")


def test_zeros_in_front_of_a_character_reference_mean_nothing() -> None:
    message = b"Content-Type: text/html\n\n&#000000000065;&#x00041;"
    assert read_letter(message).text == "AA"


@pytest.mark.parametrize(
    "value",
    [
        b'\\"' * 120_000,
        b'"' + b'\\"' * 120_000,
        b"\\(" * 120_000,
        b"(" * 250_000,
        b"<" * 250_000,
        b"a@" + b":" * 250_000,
        b'"a@b":' + b'":"' * 80_000,
    ],
)
def test_work_for_addresses_grows_with_length_and_no_faster(value: bytes) -> None:
    """Each of these takes minutes where every mark looks for its end, or for all that stands before it."""
    message = b"From: " + value + b"\nTo: " + value + b"\nSubject: x\n\ntext\n"
    assert summarise(message).octets == len(message)


def test_a_backslash_before_quotes_is_part_of_a_name() -> None:
    sender = summarise(b'From: \\"Ada\\" Lovelace <ada@example.org>\n\n').sender
    assert sender.address == "ada@example.org"
    assert "Lovelace" in sender.name


@pytest.mark.parametrize(
    "markup",
    [
        "<meta name=" + " " * 1_000_000 + ">",
        "<meta " + "name= " * 300_000 + ">",
        "<style>a:" + "color-scheme:" * 14_000 + "b { color: red }</style>",
        "<style>a { content: '" + "color-scheme:" * 14_000 + "' }</style>",
        "<style>a { color-scheme" + " " * 190_000 + "}</style>",
    ],
)
def test_work_for_html_grows_with_length_and_no_faster(markup: str) -> None:
    """Each of these takes minutes where a pattern begins anew at each place."""
    assert "script" not in cleaned(markup)


def test_end_tags_without_end_are_not_looked_for_without_end() -> None:
    """Each looks through all that is open; beyond the limit none does."""
    markup = "<td>" + "<div>" * HTML_DEPTH + "</b>" * TAGS * 8 + "last words"
    assert "last words" in cleaned(markup)


def test_a_dark_style_sheet_is_still_seen() -> None:
    for sheet in (":root { color-scheme: light dark }", "a { color-scheme : only dark }"):
        assert clean(f"<style>{sheet}</style>", remote=False, cid=lambda _: None).dark


def test_boundaries_that_never_come_are_not_looked_for_again_and_again() -> None:
    """900 multiparts, each of which begins and does not end, before 40 MB."""
    inner = b"".join(
        b"--x\nContent-Type: multipart/mixed; boundary=y%d\n\n--y%d\n\n%d\n" % (n, n, n)
        for n in range(450)
    )
    missing = b"".join(
        b"--x\nContent-Type: multipart/mixed; boundary=z%d\n\n%d\n" % (n, n) for n in range(450)
    )
    rest = b"--x\n\n" + (b"B" * 76 + b"\n") * 520_000
    message = b"Content-Type: multipart/mixed; boundary=x\n\n" + inner + missing + rest + b"--x--\n"
    assert summarise(message).text.startswith("0\n")


@pytest.mark.parametrize(
    ("inside", "behind"),
    [
        (b"--in\n\none\n--in--\n", b"two"),  # as it should be
        (b"--in\n\none\n", b"two"),  # it does not end: the outer one ends it
        (b"--in\n\none\n--inner\n", b"two"),  # a line that only begins like the boundary
    ],
)
def test_what_follows_an_inner_multipart_is_found(inside: bytes, behind: bytes) -> None:
    message = (
        b"Content-Type: multipart/mixed; boundary=out\n\n--out\n"
        b"Content-Type: multipart/mixed; boundary=in\n\n"
        + inside
        + b"--out\n\n"
        + behind
        + b"\n--in\n\nno part\n--out--\n"
    )
    text = read_letter(message).text
    assert text.startswith("one")
    assert "two" in text


@pytest.mark.parametrize(
    "date",
    [
        b"Fri, 31 Dec 9999 23:59:59 -1200",
        b"Fri, 31 Dec 9999 23:59:59 +0000",
        b"Mon, 01 Jan 0001 00:00:00 +1400",
    ],
)
def test_a_date_can_be_told_in_every_time_zone_or_it_is_none(date: bytes) -> None:
    read = read_date(date)
    if read is not None:
        assert datetime.fromtimestamp(read.timestamp(), UTC) == read
    message = b"Received: from x; " + date + b"\nDate: " + date + b"\n\ntext\n"
    told = summarise(message).date
    assert told is None or told.astimezone(UTC) == told
    letter = read_letter(message)
    assert letter.date is None or letter.date.astimezone(UTC) == letter.date


def test_a_text_of_very_many_lines_is_cut_and_says_so() -> None:
    letter = read_letter(b"Subject: x\n\n" + b"a\n" * (LETTER_LINES + 1))
    assert letter.text.count("\n") + 1 == LETTER_LINES
    assert CUT in letter.faults
    assert CUT not in read_letter(b"Subject: x\n\n" + b"a\n" * 1_000).faults


@pytest.mark.parametrize("unit", ["a", "-", "@", "a@", "<a"])
def test_work_for_identifiers_grows_with_length_and_no_faster(unit: str) -> None:
    value = (unit * 200_000)[:200_000]
    message = f"References: {value}\nSubject: x\n\ntext\n".encode()
    assert summarise(message).subject == "x"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a@b c@d", ("a@b", "c@d")),
        ("a@b, c@d;e@f", ("a@b", "c@d", "e@f")),
        ("<a@b> c@d", ("a@b",)),
        ("Message of Monday, a@ @b @", ()),
        ("x" * 999 + "@b a@b", ("a@b",)),
    ],
)
def test_identifiers_without_brackets(value: str, found: tuple[str, ...]) -> None:
    assert summarise(f"References: {value}\n\n".encode()).references == found
