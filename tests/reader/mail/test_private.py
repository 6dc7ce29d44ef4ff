"""Hidden recipients stay hidden, however their field is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.mail.letter import read_letter
from pillarbox.reader.mail.private import without_bcc

REST = b"From: a@x.example\nTo: b@x.example\n"
BODY = b"\nBcc: this is text\n"


@pytest.mark.parametrize(
    "field",
    [
        b"Bcc: c@x.example\n",
        b"BCC:c@x.example\n",
        b"bcc : c@x.example\n",
        b"Bcc:\n c@x.example,\n\td@x.example\n",
        b"Bcc:\n",
        b"Resent-Bcc: c@x.example\n",
        b"Bcc: c@x.example,\nd@x.example\n",
        b"Bcc: c@x.example\nBcc: d@x.example\n",
    ],
)
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_the_field_is_gone_and_nothing_else(field: bytes, ending: bytes) -> None:
    for message in (field + REST + BODY, REST + field + BODY):
        given, expected = (m.replace(b"\n", ending) for m in (message, REST + BODY))
        assert without_bcc(given) == expected


@pytest.mark.parametrize("message", [b"", REST, REST + BODY, b"X-Bcc: a\n\n"])
def test_what_has_none_stays_as_it_is(message: bytes) -> None:
    assert without_bcc(message) == message


def test_a_header_without_an_end() -> None:
    assert without_bcc(REST + b"Bcc: c@x.example") == REST
    assert without_bcc(REST + b"Bcc: c@x.example\n d@x.example") == REST


LINES = st.sampled_from(
    [
        b"Bcc: c@x.example",
        b"bcc:",
        b" d@x.example",
        b"To: b@x.example",
        b"",
        b"text",
        b"From c@x.example Mon",
    ]
)


@given(st.lists(LINES, max_size=12), st.sampled_from([b"\n", b"\r\n"]))
def test_no_reader_finds_any(lines: list[bytes], ending: bytes) -> None:
    message = ending.join([b"From: a@x.example", *lines])
    assert read_letter(without_bcc(message)).bcc == ()
