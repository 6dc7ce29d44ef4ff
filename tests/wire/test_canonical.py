"""The stored form: CRLF, stuffed, measured; and what a client reads of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.canonical import Canonicaliser, original, smuggled_dot, stored_form

awkward = st.lists(
    st.sampled_from([b"\r\n", b"\n", b"\r", b".", b"a", b"\r\n.\r\n", b"\n.\n", b"\0", b"\xff"]),
    max_size=40,
).map(b"".join)
anything = st.one_of(st.binary(max_size=200), awkward)


def canonical(raw: bytes) -> bytes:
    """RFC 1939 wants CRLF line ends (section 3), and the last line ended."""
    text = re.sub(rb"\r?\n", b"\r\n", raw)
    return text if not text or text.endswith(b"\r\n") else text + b"\r\n"


@given(anything)
def test_a_client_gets_the_message_in_canonical_form(raw: bytes) -> None:
    assert original(stored_form(raw).data) == canonical(raw)


@given(anything)
def test_octets_count_crlf_and_not_the_stuffing(raw: bytes) -> None:
    """RFC 1939, section 11."""
    assert stored_form(raw).octets == len(canonical(raw))


@given(anything)
def test_no_line_of_the_stored_form_ends_the_reply(raw: bytes) -> None:
    """However a client understands line ends: CRLF, or LF alone."""
    stored = stored_form(raw).data
    assert b"." not in stored.split(b"\r\n")
    assert b"." not in [line.removesuffix(b"\r") for line in stored.split(b"\n")]
    assert stored.count(b"\n") == stored.count(b"\r\n")
    assert stored == b"" or stored.endswith(b"\r\n")


@given(anything)
def test_a_message_that_was_collected_can_be_stored_again_unchanged(raw: bytes) -> None:
    once = stored_form(raw)
    assert stored_form(original(once.data)) == once


@given(raw=anything, sizes=st.lists(st.integers(1, 20), min_size=1))
def test_pieces_do_not_matter(raw: bytes, sizes: list[int]) -> None:
    canonicaliser = Canonicaliser()
    stored = b""
    position = index = 0
    while position < len(raw):
        size = sizes[index % len(sizes)]
        stored += canonicaliser.feed(raw[position : position + size])
        position, index = position + size, index + 1
    stored += canonicaliser.finish()
    assert stored == stored_form(raw).data
    assert canonicaliser.octets == stored_form(raw).octets


@pytest.mark.parametrize(
    ("raw", "data", "octets"),
    [
        (b"", b"", 0),
        (b"\n", b"\r\n", 2),
        (b"\r", b"\r\r\n", 3),
        (b"a", b"a\r\n", 3),
        (b"a\r", b"a\r\r\n", 4),
        (b"a\n", b"a\r\n", 3),
        (b"a\r\n", b"a\r\n", 3),
        (b"a\r\r\n", b"a\r\r\n", 4),
        (b".", b"..\r\n", 3),
        (b".\n.\r\n.", b"..\r\n..\r\n..\r\n", 9),
        (b"a\r.\rb", b"a\r.\rb\r\n", 7),
        (b"a\n.\n+OK forged\n", b"a\r\n..\r\n+OK forged\r\n", 18),
    ],
)
def test_the_traps(raw: bytes, data: bytes, octets: int) -> None:
    form = stored_form(raw)
    assert (form.data, form.octets, form.international) == (data, octets, False)


def test_the_mark_of_international_headers_is_kept() -> None:
    assert stored_form("Subject: ü\r\n".encode(), international=True).international


SMUGGLED = [
    b"a\n.\nMAIL FROM:<x>",
    b"a\n.\r\nMAIL",
    b"a\r\n.\nMAIL",
    b"a\r\n.\rMAIL",
    b"a\r.\r\nMAIL",
    b"a\r.\rMAIL",
    b"a\r.\nMAIL",
    b"a\n.\rMAIL",
]


@pytest.mark.parametrize("content", SMUGGLED)
def test_a_smuggled_dot_is_seen(content: bytes) -> None:
    """RFC 5321, section 4.1.1.4: only CRLF . CRLF ends the data; the rest is smuggling."""
    assert smuggled_dot(content)


@pytest.mark.parametrize(
    "content",
    [b"", b"a\r\n..\r\nb", b"a.\r\n", b"a\nb\n", b"one. two\r\n", b"a\r\n.b\r\n", b"a\r\n.\r\nb"],
)
def test_ordinary_mail_is_not_smuggling(content: bytes) -> None:
    assert not smuggled_dot(content)
