"""Contacts of other programs, tidy ones and others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.compose.vcard import Named, read_vcards

CARDS = {
    "3.0": (
        (
            b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada Lovelace\r\nN:Lovelace;Ada;;;\r\nEMAIL;TYPE=HOME:ada@example.org"
            b"\r\nEMAIL;TYPE=WORK:ada@work.example\r\nEND:VCARD\r\n"
        ),
        [Named("Ada Lovelace", "ada@example.org"), Named("Ada Lovelace", "ada@work.example")],
    ),
    "4.0, grouped, folded": (
        b"BEGIN:VCARD\nVERSION:4.0\nitem1.EMAIL;PREF=1:ada@exam\n ple.org\nFN:Ada\n  Lovelace\nEND:VCARD\n",
        [Named("Ada Lovelace", "ada@example.org")],
    ),
    "2.1, quoted-printable in latin-1, soft line end": (
        (
            b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCll=\r\ner;J=F6rg\r\n"
            b"EMAIL;INTERNET:j@example.org\r\nEND:VCARD\r\n"
        ),
        [Named("Jörg Müller", "j@example.org")],
    ),
    "2.1, the encoding alone": (
        b"BEGIN:VCARD\nFN;QUOTED-PRINTABLE;CHARSET=UTF-8:J=C3=B6rg\nEMAIL:j@example.org\nEND:VCARD",
        [Named("Jörg", "j@example.org")],
    ),
    "escapes": (
        b"BEGIN:VCARD\nFN:Lovelace\\, Ada\\; Countess\nEMAIL:a@x.example\nEND:VCARD",
        [Named("Lovelace, Ada; Countess", "a@x.example")],
    ),
    "a colon in a parameter": (
        b'BEGIN:VCARD\nFN:Ada\nEMAIL;X="a:b;c":a@x.example\nEND:VCARD',
        [Named("Ada", "a@x.example")],
    ),
    "a company": (
        b"BEGIN:VCARD\nORG:Example Ltd;Sales\nEMAIL:info@x.example\nEND:VCARD",
        [Named("Example Ltd", "info@x.example")],
    ),
    "no end, no name": (
        b"BEGIN:VCARD\nEMAIL:a@x.example\nBEGIN:VCARD\nFN:Bob\nEMAIL:b@x.example",
        [Named("", "a@x.example"), Named("Bob", "b@x.example")],
    ),
    "latin-1 as it is": (
        b"BEGIN:VCARD\nFN:J\xf6rg\nEMAIL:j@x.example\nEND:VCARD",
        [Named("Jörg", "j@x.example")],
    ),
    "utf-16": (
        "BEGIN:VCARD\nFN:Jörg\nEMAIL:j@x.example\nEND:VCARD".encode("utf-16"),
        [Named("Jörg", "j@x.example")],
    ),
    "no card at all": (b"\x89PNG\r\n\x1a\n\0\0", []),
    "an empty address": (b"BEGIN:VCARD\nFN:A\nEMAIL:\nEND:VCARD", []),
    "an unknown charset": (
        b"BEGIN:VCARD\nFN;CHARSET=X-NONE;ENCODING=BASE64:QWRh\nEMAIL:a@x.example\nEND:VCARD",
        [Named("Ada", "a@x.example")],
    ),
}


@pytest.mark.parametrize(("data", "found"), CARDS.values(), ids=CARDS)
def test_what_is_in_a_card(data: bytes, found: list[Named]) -> None:
    assert read_vcards(data) == found


pieces = st.sampled_from(
    [b"BEGIN:VCARD\n", b"END:VCARD\n", b"EMAIL", b";ENCODING=b", b":", b"=\n", b"\n ", b"\xff"]
)


@given(st.lists(pieces | st.binary(max_size=8), max_size=40).map(b"".join))
def test_nothing_fails(data: bytes) -> None:
    for name, address in read_vcards(data):
        assert address
        assert "\n" not in name + address
