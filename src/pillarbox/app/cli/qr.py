"""QR codes for a terminal, so that nobody has to type an app password on a phone."""

from __future__ import annotations

import io
from typing import TextIO

import segno

_BLACK_AND_WHITE = "\x1b[40;97m"
"""A code is dark on light, whatever the colours of the terminal are."""
_AS_BEFORE = "\x1b[0m"


def can_show_codes(stream: TextIO) -> bool:
    """Whether *stream* is a terminal that has the blocks that codes are drawn with."""
    try:
        "\u2580\u2584\u2588".encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return stream.isatty()


def code(text: str) -> str:
    """*text* as lines of half blocks, two rows of the code in each."""
    drawn = io.StringIO()
    segno.make_qr(text, error="m").terminal(drawn, compact=True)
    return "\n".join(
        f"{_BLACK_AND_WHITE}{line}{_AS_BEFORE}" for line in drawn.getvalue().splitlines() if line
    )
