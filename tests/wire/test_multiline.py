"""Dot-stuffing (RFC 1939, section 3) and TOP's cut (section 7), against naive references."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.multiline import TERMINATOR, TopCut, stuff, unstuff

# Bytes that make trouble, made likely.
awkward = st.lists(
    st.sampled_from([b"\r\n", b".", b"..", b"\r", b"a", b"\r\n.\r\n", b"\0", b"\xff", b" "]),
    max_size=40,
).map(b"".join)
crlf_text = st.lists(
    st.sampled_from([b"", b".", b"..", b"...", b".a", b"a", b"a.", b" .", b"\0", b"\xe4", b"a\rb"]),
    max_size=30,
).map(lambda lines: b"".join(line + b"\r\n" for line in lines))


def naive_stuffed(text: bytes) -> bytes:
    """RFC 1939, section 3, line by line."""
    return b"\r\n".join(
        b"." + line if line.startswith(b".") else line for line in text.split(b"\r\n")
    )


def naive_top(stored: bytes, lines: int) -> bytes:
    """RFC 1939, section 7: header, blank line, and so many lines of the body."""
    every = stored.split(b"\r\n")[:-1]
    if b"" in every:
        every = every[: every.index(b"") + 1 + lines]
    return b"".join(line + b"\r\n" for line in every)


def client_reads(sent: bytes) -> bytes:
    """What a careful client makes of a multi-line reply (RFC 1939, section 3)."""
    message = b""
    while sent:
        line, _, sent = sent.partition(b"\r\n")
        if line == b".":
            break
        message += line.removeprefix(b".") + b"\r\n"
    return message


@given(crlf_text)
def test_stuffing_as_the_rfc_says_line_by_line(text: bytes) -> None:
    assert stuff(text) == naive_stuffed(text)


@given(crlf_text)
def test_a_client_reads_what_was_delivered(text: bytes) -> None:
    assert client_reads(stuff(text) + TERMINATOR + b"+OK forged\r\n") == text


@given(st.one_of(st.binary(max_size=200), awkward))
def test_round_trip_of_arbitrary_bytes(text: bytes) -> None:
    assert unstuff(stuff(text)) == text


@given(text=crlf_text, cuts=st.lists(st.integers(0, 200)))
def test_stuffing_in_pieces_is_stuffing_whole(text: bytes, cuts: list[int]) -> None:
    # Not between CR and LF: the caller's side of the contract.
    safe = [cut for cut in cuts if text[cut - 1 : cut + 1] != b"\r\n"]
    stuffed = b""
    pieces = [0, *sorted(cut for cut in safe if cut <= len(text)), len(text)]
    for start, end in itertools.pairwise(pieces):
        piece = text[start:end]
        stuffed += stuff(piece, at_line_start=start == 0 or text[:start].endswith(b"\n"))
    assert stuffed == stuff(text)


@pytest.mark.parametrize(
    ("text", "stuffed"),
    [
        (b"", b""),
        (b".\r\n", b"..\r\n"),
        (b".", b".."),
        (b"..\r\n", b"...\r\n"),
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n"),
        (b"\r\n.\r\n.\r\n", b"\r\n..\r\n..\r\n"),
        (b"a.\r\n", b"a.\r\n"),
        (b" .\r\n", b" .\r\n"),
    ],
)
def test_the_traps(text: bytes, stuffed: bytes) -> None:
    assert stuff(text) == stuffed
    assert unstuff(stuffed) == text


def cut_in_pieces(stored: bytes, lines: int, chunk: int) -> bytes:
    cut = TopCut(lines)
    sent = b""
    for position in range(0, len(stored), chunk):
        if cut.done:
            break
        sent += cut.feed(stored[position : position + chunk])
    return sent


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 10, 10**9])
@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\r\n",
        b"\r\n\r\n",
        b"\r\nbody\r\n",
        b"Subject: x\r\n",
        b"Subject: x\r\n\r\n",
        b"Subject: x\r\n\r\none\r\n",
        b"Subject: x\r\nX: y\r\n\r\none\r\n\r\n..\r\n...three\r\n",
        b"..Subject: x\r\n\r\n..\r\n..\r\n",
        b"Subject: x\r\n \r\n\r\nfolded blank is no blank\r\n",
        b"Subject: x\r\n\r\r\n\r\n\r\r\n",
    ],
)
def test_top_at_every_chunk_size(message: bytes, lines: int) -> None:
    for chunk in range(1, len(message) + 2):
        assert cut_in_pieces(message, lines, chunk) == naive_top(message, lines), chunk


@given(text=crlf_text, lines=st.integers(0, 12), chunk=st.integers(1, 50))
def test_top_against_the_reference(text: bytes, lines: int, chunk: int) -> None:
    stored = stuff(text)
    assert cut_in_pieces(stored, lines, chunk) == naive_top(stored, lines)


def test_top_says_when_it_wants_no_more() -> None:
    cut = TopCut(0)
    assert cut.feed(b"Subject: x\r\n\r\nbody\r\n" * 100) == b"Subject: x\r\n\r\n"
    assert cut.done
