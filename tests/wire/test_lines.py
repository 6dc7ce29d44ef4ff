"""Line splitting: the same lines whatever the pieces, and never more memory than the limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.errors import LineTooLong
from pillarbox.wire.lines import MAX_LINE, LineSplitter


def split(data: bytes, chunk: int, limit: int = MAX_LINE) -> list[bytes]:
    splitter = LineSplitter(limit)
    lines = []
    for position in range(0, len(data), chunk):
        splitter.receive(data[position : position + chunk])
        while (line := splitter.next_line()) is not None:
            lines.append(line)
    return lines


STREAMS = [
    (b"NOOP\r\n", [b"NOOP"]),
    (b"NOOP\n", [b"NOOP"]),
    (b"\r\n", [b""]),
    (b"\n", [b""]),
    (b"\r\n\r\n", [b"", b""]),
    (b"USER a\r\nPASS b\r\n", [b"USER a", b"PASS b"]),
    (b"USER a\nPASS b\r\nQUIT\n", [b"USER a", b"PASS b", b"QUIT"]),
    (b"half", []),
    (b"half\r", []),
    (b"one\r\nhalf", [b"one"]),
    (b"a\rb\r\n", [b"a\rb"]),
    (b"a\r\r\n", [b"a\r"]),
    (b"\0\xff\r\n", [b"\0\xff"]),
    (b" spaced  \r\n", [b" spaced  "]),
]


@pytest.mark.parametrize(("data", "lines"), STREAMS)
def test_at_every_chunk_size(data: bytes, lines: list[bytes]) -> None:
    for chunk in range(1, len(data) + 1):
        assert split(data, chunk) == lines, chunk


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(1, 40), min_size=1))
def test_pieces_do_not_matter(data: bytes, cuts: list[int]) -> None:
    splitter = LineSplitter()
    lines: list[bytes] = []
    position = index = 0
    while position < len(data):
        size = cuts[index % len(cuts)]
        splitter.receive(data[position : position + size])
        position, index = position + size, index + 1
        while (line := splitter.next_line()) is not None:
            lines.append(line)
    expected = [line.removesuffix(b"\r") for line in data.split(b"\n")[:-1]]
    assert lines == expected
    assert len(splitter) == len(data.split(b"\n")[-1])


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 50, 1000])
def test_the_limit_counts_the_line_end(chunk: int) -> None:
    assert split(b"x" * 98 + b"\r\n", chunk, limit=100) == [b"x" * 98]
    with pytest.raises(LineTooLong):
        split(b"x" * 99 + b"\r\n", chunk, limit=100)


@pytest.mark.parametrize("chunk", [1, 7, 100, 4096])
def test_a_line_without_an_end_stops_at_the_limit(chunk: int) -> None:
    splitter = LineSplitter(1000)
    fed = 0

    def feed_until_refused() -> None:
        nonlocal fed
        while True:
            splitter.receive(b"A" * chunk)
            fed += chunk
            splitter.next_line()

    with pytest.raises(LineTooLong):
        feed_until_refused()
    assert fed <= 1000 + chunk


def test_an_overlong_line_is_refused_though_it_ends() -> None:
    with pytest.raises(LineTooLong):
        split(b"A" * 20_000 + b"\r\nNOOP\r\n", 20_008)


def test_lines_before_the_overlong_one_are_given_out() -> None:
    splitter = LineSplitter(100)
    splitter.receive(b"NOOP\r\n" + b"A" * 200)
    assert splitter.next_line() == b"NOOP"
    with pytest.raises(LineTooLong):
        splitter.next_line()


def test_peeking_takes_nothing() -> None:
    splitter = LineSplitter()
    splitter.receive(b"NO")
    assert splitter.peek(1) == b"N"
    assert splitter.peek(10) == b"NO"
    splitter.receive(b"OP\r\n")
    assert splitter.peek(4) == b"NOOP"
    assert splitter.next_line() == b"NOOP"
    assert splitter.peek(4) == b""
