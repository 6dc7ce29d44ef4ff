"""QR codes for a terminal, so that nobody has to type an app password on a phone."""

from __future__ import annotations

import io
import os
from typing import TextIO

import segno

_BLACK_AND_WHITE = "\x1b[40;97m"
"""A code is dark on light, whatever the colours of the terminal are."""
_AS_BEFORE = "\x1b[0m"


def code_for(stream: TextIO, text: str) -> str | None:
    """*text* as a code for *stream*; None: it cannot show one, or is too narrow for this one."""
    if not can_show_codes(stream):
        return None
    # 0: a terminal that does not know how wide it is.
    columns = os.get_terminal_size(stream.fileno()).columns
    return None if 0 < columns < _made(text).symbol_size()[0] else code(text)


def can_show_codes(stream: TextIO) -> bool:
    """Whether *stream* is a terminal with colours, and the blocks that codes are drawn with."""
    try:
        "\u2580\u2584\u2588".encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def code(text: str) -> str:
    """*text* as lines of half blocks, two rows of the code in each."""
    drawn = io.StringIO()
    _made(text).terminal(drawn, compact=True)
    return "\n".join(
        f"{_BLACK_AND_WHITE}{line}{_AS_BEFORE}" for line in drawn.getvalue().splitlines() if line
    )


def _made(text: str) -> segno.QRCode:
    return segno.make_qr(text, error="m")
