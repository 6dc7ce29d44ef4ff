"""A message taken apart for reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.mail import layout, mime
from pillarbox.reader.mail.letter import CUT, WRONG_DATE, Letter, read_letter, read_part
from pillarbox.reader.mail.limits import LETTER_TEXT
from pillarbox.reader.mail.summary import summarise
from pillarbox.reader.model import Correspondent
from tests.reader.mail.corpus import (
    HTML,
    PDF,
    PLAIN,
    PNG,
    attachment,
    corpus,
    large,
    letter,
    multipart,
    part,
    whole,
)


def of(name: str) -> Letter:
    return read_letter(corpus()[name])


def test_the_header() -> None:
    found = read_letter(
        letter(
            "text",
            "Cc: Ann <ann@example.org>, Bob <bob@example.org>",
            "Bcc: secret@example.org",
            "Reply-To: other@example.org",
            "List-Post: <mailto:list@example.org?subject=x>",
            "List-Unsubscribe: <mailto:off@example.org>, <https://example.org/off>, <http://plain.example/>",
            "References: <a@x>",
        )
    )
    assert found.sender == (Correspondent("Jane Doe", "jane@example.org"),)
    assert [each.name for each in found.cc] == ["Ann", "Bob"]
    assert found.bcc[0].address == "secret@example.org"
    assert found.reply_to[0].address == "other@example.org"
    assert found.list_post == "list@example.org"
    assert found.unsubscribe == ("mailto:off@example.org", "https://example.org/off")
    assert found.references == ("a@x",)
    assert found.faults == ()


def test_alternatives_are_both_there() -> None:
    found = of("nested")
    assert found.text.strip() == "Plain text."
    assert "<b>text</b>" in found.html
    assert [(p.number, p.name, p.type) for p in found.parts] == [("2", "a.pdf", "application/pdf")]


def test_an_invitation_without_a_name_is_called_one() -> None:
    assert [part.name for part in of("invitation").parts] == ["invitation.ics"]


def test_text_is_made_of_html_if_there_is_nothing_else() -> None:
    found = of("html-only")
    assert found.text == "Rich text."


def test_an_image_within_the_text_is_inline() -> None:
    (image,) = of("related-image").parts
    assert (image.number, image.content_id, image.inline) == ("2", "pic@x", True)
    assert read_part(corpus()["related-image"], "2")[1] == PNG


def test_all_texts_of_a_mixed_message_are_shown() -> None:
    found = of("apple-mixed")
    assert found.html.count("Rich") == 2
    assert [p.name for p in found.parts] == ["between.txt"]
    assert "footer" in of("list-footer").text
    plain_after_html = read_letter(whole(multipart("mixed", HTML, part("text/plain", "a < b"))))
    assert "a &lt; b" in plain_after_html.html


def test_flowed_text_with_a_footer_that_is_not() -> None:
    flowed = part("text/plain; format=flowed", "one \ntwo\n")
    found = read_letter(whole(multipart("mixed", flowed, part("text/plain", "foot \nnote"))))
    assert found.flowed
    assert not found.delsp
    assert "foot\nnote" in found.text
    assert of("flowed-delsp").delsp


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("signed-pgp", layout.SIGNED_PGP),
        ("encrypted-pgp", layout.ENCRYPTED_PGP),
        ("encrypted-smime", layout.ENCRYPTED_SMIME),
        ("winmail", layout.TNEF),
    ],
)
def test_what_kind_it_is(name: str, note: str) -> None:
    assert of(name).notes == (note,)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("no-end", mime.NO_END),
        ("no-parts", mime.NO_PARTS),
        ("deep-200", mime.TOO_DEEP),
        ("deep-1500", mime.TOO_DEEP),
        ("header-of-10-mb", mime.ODD_HEADER),
        ("header-of-10000-fields", mime.ODD_HEADER),
        ("date-2087", WRONG_DATE),
    ],
)
def test_what_is_wrong_is_said(name: str, fault: str) -> None:
    assert fault in of(name).faults


def test_too_many_parts_and_too_much_text_are_said() -> None:
    parts = read_letter(whole(multipart("mixed", *[PLAIN] * 1_100)))
    assert mime.TOO_MANY in parts.faults
    long = read_letter(letter("x" * (LETTER_TEXT + 1)))
    assert CUT in long.faults
    assert len(long.text) == LETTER_TEXT


def test_two_thousand_recipients_are_all_there() -> None:
    assert len(of("2000-recipients").to) == 2_000


def test_a_display_name_that_is_an_address_stays_a_name() -> None:
    for name in ("spoofed-name", "spoofed-name-encoded"):
        assert of(name).sender == (Correspondent("ceo@bank.example", "x@evil.example"),)


def test_parts_are_read_by_number() -> None:
    found, octets = read_part(corpus()["nested"], "2")
    assert (found.name, found.type, octets) == ("a.pdf", "application/pdf", PDF)
    assert read_part(corpus()["attachment-only"], "1")[1] == PDF
    assert len(read_part(large(), "2")[1]) == 30_000_000
    message = read_part(corpus()["attached-message"], "2")[1]
    assert read_letter(message).subject == "Inner"


@pytest.mark.parametrize("number", ["", "0", "3", "1.9", "x", "../1", "1" * 5_000])
def test_there_is_no_such_part(number: str) -> None:
    with pytest.raises(KeyError):
        read_part(corpus()["nested"], number)


def test_each_part_that_is_listed_can_be_read() -> None:
    for name, data in corpus().items():
        for found in read_letter(data).parts:
            assert read_part(data, found.number)[0].name == found.name, name


def test_a_line_that_only_begins_like_a_delimiter_is_text() -> None:
    data = whole(
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--b\n--bb\n--b x\ntwo\n--b\n\nthree\n--b--\n"
    )
    assert read_letter(data).text.split() == ["one", "--b--b", "--bb", "--b", "x", "two", "three"]


def test_a_field_is_no_line_of_an_mbox() -> None:
    assert read_letter(b"From : Jane <j@x.example>\n\ntext").sender[0].address == "j@x.example"
    assert read_letter(b">From x\nFrom y\nFrom: j@x.example\n\n").sender[0].address == "j@x.example"


def test_marks_of_direction_stay_in_text_and_overrides_do_not() -> None:
    data = letter("a\u200fb\u202ec", "Content-Type: text/plain; charset=utf-8", subject="a\u200fb")
    assert read_letter(data).text == "a\u200fbc"
    assert read_letter(data).subject == "ab"


def test_html_says_its_charset_itself() -> None:
    data = whole(part("text/html", '<meta charset="koi8-r"><p>Привет'.encode("koi8-r")))
    assert read_letter(data).text == "Привет"


@given(
    st.binary(max_size=1_000), st.sampled_from([b"base64", b"quoted-printable", b"x-uuencode", b""])
)
def test_any_body_can_be_read(body: bytes, encoding: bytes) -> None:
    fields = (b"Content-Type: text/html", b"Content-Transfer-Encoding: " + encoding)
    assert read_letter(letter(body, *fields)).subject == "Subject"


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_attached_octets_come_back_as_they_were(contents: list[bytes]) -> None:
    parts = [attachment(f"filename=f{n}", content) for n, content in enumerate(contents)]
    data = whole(multipart("mixed", PLAIN, *parts))
    found = read_letter(data).parts
    assert [read_part(data, each.number)[1] for each in found] == contents


_SMALL = sorted(name for name, data in corpus().items() if len(data) < 20_000)


@given(
    st.sampled_from(_SMALL),
    st.lists(
        st.tuples(st.integers(0, 20_000), st.integers(0, 12), st.binary(max_size=6)), max_size=6
    ),
)
def test_damaged_mail_can_be_read(name: str, damage: list[tuple[int, int, bytes]]) -> None:
    data = bytearray(corpus()[name])
    for place, length, noise in damage:
        at = place % (len(data) + 1)
        data[at : at + length] = noise
    found = read_letter(bytes(data))
    assert summarise(bytes(data)).octets == len(data)
    for each in found.parts:
        assert read_part(bytes(data), each.number)[0].name == each.name
