"""Text that is wrapped for old programs and flows in new ones: format=flowed (RFC 3676).

What was typed is a list of lines, each a paragraph. On the wire, a long one is broken behind spaces ("soft": the line
ends with the space); who reads joins them again. Lines that begin with ``>`` are quotes; further ``>`` deepen them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pillarbox.reader.mail import prose

WIDTH = 72
"""Characters of a line that was broken (RFC 3676, section 4.2 (2): 78 at most, 66 or so is comfortable)."""
LONGEST = 78
"""A line of up to so many characters stays as it is: who wraps by hand, or is quoted, keeps the line ends."""
SIGNATURE = prose.SIGNATURE_MARK
"""The line before a signature (section 4.3): never joined with another, though it ends with a space."""

_QUOTED = re.compile(r"(>*) ?(.*)", re.DOTALL)
_WORDS = re.compile(r" *[^ ]* *")
_LINE_END = re.compile(r"\r\n|\r|\n")


class Line(NamedTuple):
    """A paragraph, or a line with an end of its own."""

    depth: int
    """Of quoting; 0: the writer's own words."""
    text: str

    def __str__(self) -> str:
        """As one types it."""
        if not self.depth:
            return self.text
        return f"{'>' * self.depth} {self.text}" if self.text else ">" * self.depth


def lines_of(typed: str) -> list[Line]:
    """What was typed, line by line. Spaces at line ends mean nothing, and go."""
    return [_line(line) for line in _LINE_END.split(typed)]


def _line(typed: str) -> Line:
    if not typed.startswith(">"):
        return Line(0, typed if typed == SIGNATURE else typed.rstrip(" "))
    found = _QUOTED.fullmatch(typed)
    assert found is not None  # noqa: S101 -- it matches whatever there is
    text = found[2]
    return Line(len(found[1]), text if text == SIGNATURE else text.rstrip(" "))


def flow(typed: str) -> list[str]:
    """The lines to be sent, without their ends."""
    return [wire for line in lines_of(typed) for wire in _broken(line)]


def _broken(line: Line) -> list[str]:
    mark = ">" * line.depth
    if line.text == SIGNATURE or len(mark) + len(line.text) < LONGEST:
        return [mark + _stuffed(line.text, line.depth)]
    room = max(WIDTH - len(mark) - 1, 1)
    return [mark + _stuffed(piece, line.depth) for piece in _pieces(line.text, room)]


def _pieces(text: str, room: int) -> list[str]:
    """*text*, cut behind spaces; no piece is a line ``-- ``, which would end the text. A word that is
    longer than *room* stays whole (an address of the web, a line of Chinese).
    """
    pieces = [""]
    for word in _WORDS.findall(text):
        full = pieces[-1] and len(pieces[-1]) + len(word.rstrip(" ")) > room
        if full and pieces[-1].endswith(" ") and pieces[-1] != SIGNATURE:
            pieces.append("")
        pieces[-1] += word
    return pieces


def _stuffed(text: str, depth: int) -> str:
    """Section 4.4: a space in front, where the beginning of a line would mean something else."""
    needed = text.startswith((" ", ">", "From ")) or (depth and text)
    return f" {text}" if needed else text


def unflow(text: str, *, delsp: bool = False) -> list[Line]:
    """The paragraphs of a text with ``format=flowed``, as the reader shows them: what undoes :func:`flow`."""
    whole = "\n".join(_LINE_END.split(text))
    return [Line(depth, words) for depth, words in prose.unflow(whole, delsp=delsp)]
