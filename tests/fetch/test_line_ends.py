"""CRLF becomes LF, and nothing else changes, wherever the pieces are cut."""

from __future__ import annotations

import pytest

from pillarbox.fetch.line_ends import UnixLines
from tests.corpus import LARGEST, corpus


def converted(text: bytes, size: int) -> bytes:
    lines = UnixLines()
    pieces = [lines.feed(text[start : start + size]) for start in range(0, len(text), size)]
    return b"".join(pieces) + lines.finish()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", b""),
        (b"a\r\nb\r\n", b"a\nb\n"),
        (b"a\nb", b"a\nb"),
        (b"\r\n", b"\n"),
        (b"\r", b"\r"),
        (b"\n", b"\n"),
        (b"a\rb\r", b"a\rb\r"),
        (b"\r\r\n\r\r\r\n", b"\r\n\r\r\n"),
        (b"a\n\rb\r\n\r\n", b"a\n\rb\n\n"),
    ],
)
def test_table(text: bytes, expected: bytes) -> None:
    for size in range(1, len(text) + 2):
        assert converted(text, size) == expected


@pytest.mark.parametrize(
    ("size", "most"),
    [
        *((size, 20_000 * size) for size in (1, 2, 3, 5)),
        *(pytest.param(size, 300_000, marks=pytest.mark.long) for size in (1, 2, 3, 5)),
        (4096, LARGEST),
    ],
)
def test_the_corpus(size: int, most: int) -> None:
    """In pieces of *size*, messages of *most* octets."""
    for sample in corpus():
        if len(sample.content) <= most:
            assert converted(sample.canonical, size) == sample.canonical.replace(b"\r\n", b"\n")
