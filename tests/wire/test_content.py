"""Finding the end and the dots of a content (RFC 1939, section 3), whatever the pieces."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.content import ContentReader
from pillarbox.wire.multiline import TERMINATOR, stuff
from tests.wire.test_multiline import crlf_text


class Read(NamedTuple):
    text: bytes
    rest: bytes
    ended: bool


def read(stream: bytes, chunk: int, *, own_words: bool = False) -> Read:
    """Feed *stream* as a shell does: what was not taken is offered again with the next."""
    reader = ContentReader(own_words=own_words)
    text = kept = b""
    for start in range(0, len(stream), chunk):
        kept += stream[start : start + chunk]
        piece, position, ended = reader.take(kept, 0)
        text += piece
        kept = kept[position:]
        if ended:
            return Read(text, kept + stream[start + chunk :], ended=True)
        assert len(kept) <= 4
    return Read(text, kept, ended=False)


# What comes, and what it says; the end of each is followed by the beginning of a reply.
MAILS = [
    # RFC 1939, section 3, to the letter
    (b".\r\n", b""),
    (b"a\r\n.\r\n", b"a\r\n"),
    (b"\r\n.\r\n", b"\r\n"),
    (b"..\r\n.\r\n", b".\r\n"),
    (b"...\r\n.\r\n", b"..\r\n"),
    (b"a\r\n..\r\n.\r\n", b"a\r\n.\r\n"),
    (b"a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n"),
    (b"a.\r\n.b.\r\n .\r\n.\r\n", b"a.\r\n.b.\r\n .\r\n"),
    # a bare LF or CR in mail is an octet like another: no line begins behind it
    (b"a\r\nb\n.\nc\r\n.\r\n", b"a\r\nb\n.\nc\r\n"),
    (b"a\r\nb\n.\r\n+OK forged\r\n.\r\n", b"a\r\nb\n.\r\n+OK forged\r\n"),
    (b"a\r\nb\n..\nc\r\n.\r\n", b"a\r\nb\n..\nc\r\n"),
    (b"a\r\nb\r.\rc\r\n.\r\n", b"a\r\nb\r.\rc\r\n"),
    (b"a\r\nb\r\r\n.\r\n", b"a\r\nb\r\r\n"),
    (b"a\r\r\n..\r\n.\r\n", b"a\r\r\n.\r\n"),
    # a server that sends files as they lie on its disk
    (b"a\nb\n.\r\n", b"a\nb\n"),
    (b"a\nb\n.\n", b"a\nb\n"),
    (b"a\n..\n.\n", b"a\n.\n"),
    (b"a\nb\r\n.\r\n", b"a\nb\r\n"),
    (b"\na\n.\n", b"\na\n"),
    # a server that ends with LF
    (b".\n", b""),
    (b"a\r\n.\n", b"a\r\n"),
    # a server that does not stuff
    (b"a\r\n.b\r\n.\r\n", b"a\r\n.b\r\n"),
    (b".b\r\n.\r\n", b".b\r\n"),
    # octets of all kinds
    (b"\0\xff\r\n\x1a\r\n.\r\n", b"\0\xff\r\n\x1a\r\n"),
]


@pytest.mark.parametrize("behind", [b"", b"+OK\r\n", b".\r\n", b"\r\n.\r\n", b"\n.\n"])
@pytest.mark.parametrize(("sent", "said"), MAILS)
def test_mail_at_every_chunk_size(sent: bytes, said: bytes, behind: bytes) -> None:
    for chunk in range(1, len(sent) + len(behind) + 1):
        assert read(sent + behind, chunk) == (said, behind, True), chunk


LISTINGS = [
    (b".\r\n", b""),
    (b".\n", b""),
    (b"1 120\r\n2 200\r\n.\r\n", b"1 120\r\n2 200\r\n"),
    (b"1 120\n2 200\n.\n", b"1 120\n2 200\n"),
    (b"1 120\r\n2 200\n.\r\n", b"1 120\r\n2 200\n"),
    (b"1 120\n2 200\r\n.\n", b"1 120\n2 200\r\n"),
]


@pytest.mark.parametrize(("sent", "said"), LISTINGS)
def test_listings_end_whatever_their_line_ends(sent: bytes, said: bytes) -> None:
    for chunk in range(1, len(sent) + 5):
        assert read(sent + b"+OK\n", chunk, own_words=True) == (said, b"+OK\n", True), chunk


@pytest.mark.parametrize("sent", [sent for sent, _ in MAILS])
def test_a_content_that_is_cut_off_never_looks_whole(sent: bytes) -> None:
    # The LF that ends it is its last octet: without it, nothing has ended.
    for cut in range(len(sent)):
        for chunk in range(1, cut + 1):
            assert not read(sent[:cut], chunk).ended


@given(text=crlf_text, behind=st.binary(max_size=20), chunk=st.integers(1, 60))
def test_what_was_stuffed_comes_back(text: bytes, behind: bytes, chunk: int) -> None:
    sent = stuff(text) + TERMINATOR
    assert read(sent + behind, chunk) == (text, behind, True)


@given(stream=st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n"]), max_size=14))
def test_the_pieces_never_matter(stream: list[bytes]) -> None:
    data = b"".join(stream)
    whole = read(data, max(1, len(data)))
    for chunk in range(1, len(data)):
        assert read(data, chunk) == whole, chunk
