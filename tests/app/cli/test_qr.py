"""QR codes on a terminal: what is drawn is the code, dark on light."""

from __future__ import annotations

import io
import os
import re

import segno

from pillarbox.app.cli.qr import can_show_codes, code

PASSWORD = "mfkz-tbqw-rdhp-xcnj-vkyg-pzmt"
LIGHT = {"\u2588": (True, True), "\u2580": (True, False), "\u2584": (False, True), " ": (False, False)}  # fmt: skip
"""What of a character, upper half and lower half, shows the (white) foreground."""


def test_what_is_drawn_is_the_code() -> None:
    rows: list[list[bool]] = []
    for line in code(PASSWORD).splitlines():
        drawn = re.fullmatch(r"\x1b\[40;97m([\u2588\u2580\u2584 ]+)\x1b\[0m", line)
        assert drawn
        halves = [LIGHT[char] for char in drawn[1]]
        rows += [[not upper for upper, _ in halves], [not lower for _, lower in halves]]
    matrix = [
        [bool(dark) for dark in row] for row in segno.make_qr(PASSWORD, error="m").matrix_iter()
    ]
    assert rows[: len(matrix)] == matrix  # with the quiet zone; a last half line may be over


def test_it_fits_a_terminal() -> None:
    lines = code(PASSWORD).splitlines()
    assert len(lines) <= 20
    assert max(map(len, lines)) <= 80


def test_only_a_terminal_that_has_the_characters_is_shown_one() -> None:
    assert not can_show_codes(io.StringIO())
    leader, follower = os.openpty()
    try:
        for encoding, can in (("utf-8", True), ("ascii", False), ("latin-1", False)):
            with open(follower, "w", encoding=encoding, closefd=False) as stream:
                assert can_show_codes(stream) is can
    finally:
        os.close(leader)
        os.close(follower)
