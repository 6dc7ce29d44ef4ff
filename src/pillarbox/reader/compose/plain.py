"""Quoted HTML as text, for the half of a message that is text: its quotes stay quotes.

It was sanitised before it came here, so it is well-formed as far as this needs.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from pillarbox.reader.compose.flowed import Line

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tr",
        "ul",
    ]
)
_APART = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "pre", "table"))
"""Blocks with an empty line around them."""
_SPACES = re.compile(r"[ \t\r\n\f]+")


def plain_of(html: str) -> str:
    """The words of *html*, as one would type them."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "\n".join(map(str, reader.lines()))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[Line] = []
        self._words = ""
        self._depth = 0
        self._kept = 0
        """Elements open in which line ends count."""

    def lines(self) -> list[Line]:
        """All of it, without empty lines at either end."""
        self._end_line()
        while self._lines and not self._lines[-1].text:
            self._lines.pop()
        return self._lines

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._lines.append(Line(self._depth, self._words.strip()))
            self._words = ""
        elif tag in {"td", "th"}:
            self._words += " " if self._words else ""
        elif tag == "img":
            self._words += dict(attrs).get("alt") or ""
        elif tag in _BLOCKS:
            self._block(tag)
        self._depth += tag == "blockquote"
        self._kept += tag == "pre"
        if tag == "li":
            self._words += "* "

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._block(tag)
        if tag == "blockquote":
            self._depth = max(self._depth - 1, 0)
        elif tag == "pre":
            self._kept = max(self._kept - 1, 0)

    def handle_data(self, data: str) -> None:
        if self._kept:
            *ended, rest = data.split("\n")
            for line in ended:
                self._lines.append(Line(self._depth, (self._words + line).rstrip()))
                self._words = ""
            self._words += rest
            return
        data = _SPACES.sub(" ", data.replace("\N{NO-BREAK SPACE}", " "))
        self._words += data.lstrip() if self._words.endswith(" ") or not self._words else data

    def _block(self, tag: str) -> None:
        self._end_line()
        if tag in _APART and self._lines and self._lines[-1].text:
            self._lines.append(Line(self._depth, ""))

    def _end_line(self) -> None:
        if self._words.strip():
            self._lines.append(Line(self._depth, self._words.rstrip()))
        self._words = ""
