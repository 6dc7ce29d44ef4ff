"""What a list, a search and a thread are told of a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.mail.limits import SUMMARY_ADDRESSES, SUMMARY_TEXT
from pillarbox.reader.mail.summary import Summary, summarise
from pillarbox.reader.model import Correspondent
from tests.reader.mail.corpus import HTML, PLAIN, corpus, large, letter, multipart, part, whole


def of(name: str) -> Summary:
    return summarise(corpus()[name])


def test_an_ordinary_message() -> None:
    summary = summarise(
        letter(
            "Hello Max\n",
            "Cc: Ann <ann@example.org>",
            "References: <a@x> <b@x>",
            "In-Reply-To: <b@x>",
            "List-Id: The list <list.example.org>",
        )
    )
    assert summary.subject == "Subject"
    assert summary.sender == Correspondent("Jane Doe", "jane@example.org")
    assert [each.address for each in summary.to] == ["max@example.org", "ann@example.org"]
    assert summary.date == datetime(2026, 11, 3, 10, 42, tzinfo=timezone(timedelta(hours=1)))
    assert summary.message_id == "1@example.org"
    assert summary.references == ("a@x", "b@x")
    assert summary.list_id == "list.example.org"
    assert summary.opening == "Hello Max"
    assert summary.text.strip() == "Hello Max"
    assert summary.attachments == ()


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("raw-8-bit-header", "Grüße aus Köln"),
        ("raw-utf-8-header", "Grüße"),
        ("word-cut-in-character", "Grüße"),
        ("word-unknown-charset", "café"),
        ("iso-2022-jp", "こんにちは"),
        ("nul", "ab"),
        ("control-characters", "[31mred"),
        ("no-empty-line", "no end of header"),
        ("mbox-line", "Subject"),
        ("cr-only", "Subject"),
        ("crlf", "Subject"),
        ("headers-only", "Subject"),
        ("empty", ""),
    ],
)
def test_subjects(name: str, subject: str) -> None:
    assert of(name).subject == subject


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nested", "Plain text."),
        ("html-only", "Rich text."),
        ("trackers", "Hello"),
        ("iso-2022-jp", "こんにちは世界"),
        ("gb18030", "你好世界𠀀"),
        ("gb2312-with-more", "镕基"),
        ("koi8-r", "Привет, мир"),
        ("right-to-left", "שלום עולם"),
        ("iso-8859-8-i", "שלום"),
        ("wrong-charset", "naïve café — “quoted”"),
        ("unknown-charset", "naïve café"),
        ("ascii-that-is-not", "naïve café"),
        ("utf-16", "wide text"),
        ("codec-that-is-none", "text"),
        ("no-boundary", "still found"),
        ("wrong-boundary", "still found"),
        ("folded-without-space", "still found"),
        ("no-parts", "only words"),
        ("no-end", "Plain text."),
        ("no-header", "Just a body."),
        ("body-only", "Just some words, and a colon: here."),
        ("no-empty-line", "This is the body already."),
        ("base64-cut", "Hello, worl"),
        ("base64-with-noise", "Hello, world"),
        ("base64-that-is-not", "This is no base64 at all: ä"),
        ("quoted-printable-broken", "café"),
        ("uuencode", "Cat"),
        ("unknown-encoding", "as it is"),
        ("list-footer", "The list's footer"),
        ("deep-200", "at the bottom"),
    ],
)
def test_texts(name: str, text: str) -> None:
    assert text in of(name).text


def test_scripts_and_styles_are_no_text() -> None:
    assert "fetch" not in of("trackers").text
    assert "@import" not in of("trackers").text


@pytest.mark.parametrize(
    ("name", "attachments"),
    [
        ("nested", ("a.pdf",)),
        ("related-image", ()),
        ("name-upwards", ("passwd",)),
        ("name-upwards-2231", ("résumé.txt",)),
        ("name-2231-plain", ("café.pdf",)),
        ("name-encoded-word", ("résumé.pdf",)),
        ("name-nul", ("ab.txt",)),
        ("name-bidi", ("invoicefdp.exe",)),
        ("name-windows", ("_CON.txt",)),
        ("name-none", ("part-2.pdf",)),
        ("attached-message", ("Inner.eml",)),
        ("signed-pgp", ()),
        ("encrypted-pgp", ("encrypted.asc",)),
        ("invitation", ()),
        ("attachment-only", ("only.pdf",)),
        ("apple-mixed", ("between.txt",)),
    ],
)
def test_attachments(name: str, attachments: tuple[str, ...]) -> None:
    assert of(name).attachments == attachments


def test_two_thousand_recipients_are_bounded() -> None:
    assert len(of("2000-recipients").to) == SUMMARY_ADDRESSES


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("no-date", None),
        ("date-nonsense", None),
        ("date-2087", datetime(2026, 11, 3, 10, tzinfo=UTC)),
    ],
)
def test_dates_that_cannot_be_true(name: str, date: datetime | None) -> None:
    assert of(name).date == date


def test_the_opening_is_what_the_sender_says_first() -> None:
    quoted_first = "On Monday, Max wrote:\n> Shall we?\n> Or not?\n\nYes, let us.\n\n-- \nJane\n"
    assert summarise(letter(quoted_first)).opening == "Yes, let us."
    assert summarise(letter("> only\n> a quote\n")).opening == "> only > a quote"


def test_the_text_is_bounded() -> None:
    long = summarise(letter("word " * 100_000))
    assert len(long.text) <= SUMMARY_TEXT


def test_scant_plain_text_does_not_hide_the_words_of_the_html() -> None:
    stub = part("text/plain", "Your program cannot show this.\n")
    assert "Rich text" in summarise(whole(multipart("alternative", stub, HTML))).text


def test_everything_awkward_has_a_summary() -> None:
    for name, data in corpus().items():
        assert summarise(data).octets == len(data), name
    assert summarise(large()).attachments == ("large.zip",)


@given(st.binary(max_size=2_000))
def test_any_octets_have_a_summary(data: bytes) -> None:
    assert summarise(data).octets == len(data)


_WORDS = st.sampled_from(
    [
        b"Content-Type:", b"multipart/mixed", b";", b"boundary=", b'"', b"--b", b"--", b"\n", b"\n\n", b"b", b" ",
        b"text/html", b"charset=", b"utf-16", b"=?utf-8?B?", b"?=", b"Date:", b"From:", b"<", b">", b"(", b",", b":",
        b"References:", b"filename*0*=", b"''", b"%FF", b"\xff", b"\0", b"\r", b"Content-Transfer-Encoding: base64",
        b"9999", b"+", b"Tue, 03 Nov 2026", b"message/rfc822", b"Received:", b"<!--", b"<script", b"&#55296;",
    ]
)  # fmt: skip


@given(st.lists(_WORDS, max_size=60).map(b"".join))
def test_whatever_is_made_of_the_syntax_has_a_summary(data: bytes) -> None:
    summary = summarise(data)
    for text in (summary.subject, str(summary.sender), summary.text, *summary.attachments):
        assert "\0" not in text
        text.encode()  # no lone surrogates


@given(st.text(max_size=300), st.sampled_from(["utf-8", "utf-16", "gb18030"]))
def test_text_comes_through_its_charset(text: str, charset: str) -> None:
    data = whole(part(f"text/plain; charset={charset}", text.encode(charset), encode=True))
    kept = [c for c in summarise(data).text if c.isalnum()]
    assert kept == [c for c in text if c.isalnum()]


def test_plain_parts_come_before_rich_ones() -> None:
    assert PLAIN in corpus()["nested"]
    assert of("nested").text.startswith("Plain text.")
