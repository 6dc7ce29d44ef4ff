"""HTML in which every element ends where it should: what any parser reads in one way, in a time that grows with its length.

How browsers mend broken HTML can make of a few tags very many elements, and of a text something else than
what was looked at. So only known tags come out of here, each closed within the one that it was opened in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pillarbox.reader.mail.limits import HTML_DEPTH, OPEN_FORMATS, STYLE_SHEET, TAGS
from pillarbox.reader.mail.words import without_references

FORMATS = frozenset(
    ("a", "b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u")
)
VOID = frozenset(("br", "col", "hr", "img", "wbr"))
# fmt: off
TAGS_KEPT = FORMATS | VOID | frozenset((
    "abbr", "acronym", "address", "article", "aside", "bdi", "bdo", "blockquote", "caption", "center", "cite",
    "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "figcaption", "figure", "footer", "h1", "h2", "h3",
    "h4", "h5", "h6", "header", "ins", "kbd", "li", "main", "mark", "nav", "ol", "p", "pre", "q", "rp", "rt", "ruby",
    "samp", "section", "span", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    "var",
))
_SILENT = frozenset((
    "iframe", "math", "noembed", "noframes", "script", "style", "svg", "template", "title", "xml",
))
# fmt: on
"""Elements that go with all that is in them."""
_MAY_BE_EMPTY = frozenset(("math", "svg", "xml"))
"""``<svg/>`` ends at once; ``<script/>`` does not."""

_ENDS = {
    "p": frozenset(("p",)),
    "li": frozenset(("li",)),
    "dt": frozenset(("dt", "dd")),
    "dd": frozenset(("dt", "dd")),
    "tr": frozenset(("tr", "td", "th")),
    "td": frozenset(("td", "th")),
    "th": frozenset(("td", "th")),
    "tbody": frozenset(("tbody", "thead", "tfoot", "tr", "td", "th")),
    "thead": frozenset(("tbody", "thead", "tfoot", "tr", "td", "th")),
    "tfoot": frozenset(("tbody", "thead", "tfoot", "tr", "td", "th")),
}
"""Which open elements a tag ends: their end tags may be left out."""
_WALLS = {
    "p": frozenset(("table", "td", "th", "div", "blockquote", "li", "center", "section")),
    "li": frozenset(("ul", "ol")),
    "dt": frozenset(("dl",)),
    "dd": frozenset(("dl",)),
}
_TABLE = frozenset(("table",))
_CELLS = frozenset(("td", "th", "caption", "table"))
"""What an end tag within does not reach beyond."""

_NAME = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:]*+)")
_REST = re.compile(r"(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+>")
_CUTS = 8
"""So many ``<`` may be within the quotes of one tag."""
_SCHEME = re.compile(r"name\s*+=\s*+[\"']?\s*+(?:supported-)?color-schemes?\b", re.IGNORECASE)


@dataclass(slots=True)
class Balanced:
    """Made by :func:`balance`."""

    html: str = ""
    sheets: list[str] = field(default_factory=list)
    """What was in ``<style>``, as it was."""
    dark: bool = False
    """A ``<meta>`` says that it can be dark."""


def balance(markup: str, body: Callable[[str], str] = str) -> Balanced:
    """Only known elements of *markup*, closed in order. Attributes are as they were; the first ``<body>`` becomes a
    ``<div>`` with what *body* makes of its own.
    """
    return _Balancer(markup, body).run()


class _Balancer:
    def __init__(self, markup: str, body: Callable[[str], str]) -> None:
        self._body = body
        self._list = markup.split("<")
        self._at = 0
        self._pieces: Iterator[str] = iter(self._next, None)
        self._out: list[str] = []
        self._open: list[str] = []
        self._closed_later: list[bool] = []
        """Of each in *_open*: its end came while something within it was open."""
        self._formats = 0
        self._count = 0
        self._result = Balanced()
        self._sheet_room = STYLE_SHEET

    def run(self) -> Balanced:
        self._text(next(self._pieces))
        for piece in self._pieces:
            name = _NAME.match(piece)
            if name is not None:
                self._tag(piece, bool(name[1]), name[2].lower(), name.end())
            elif piece.startswith("!--"):
                self._text(self._after(piece, "-->", 1))
            elif piece[:1] in ("!", "?", "/"):
                self._text(piece.partition(">")[2])
            else:
                self._text("<" + piece)
        while self._open:
            self._pop()
        self._result.html = "".join(self._out)
        return self._result

    def _next(self) -> str | None:
        self._at += 1
        return self._list[self._at - 1] if self._at <= len(self._list) else None

    def _whole_tag(self, piece: str, at: int) -> tuple[str, re.Match[str] | None]:
        """A ``<`` within quotes has cut it: then it is put together again."""
        rest = _REST.match(piece, at)
        if rest is None and ("'" in piece or '"' in piece):
            for more in range(1, _CUTS + 1):
                longer = "<".join(self._list[self._at - 1 : self._at + more])
                if (rest := _REST.match(longer, at)) is not None:
                    self._at += more
                    return longer, rest
        return piece, rest

    def _text(self, text: str) -> None:
        if text:
            self._out.append(text.replace("<", "&lt;").replace(">", "&gt;").replace("\0", ""))

    def _after(self, piece: str, end: str, start: int = 0) -> str:
        """What follows *end*, in this piece or a later one."""
        found = piece.find(end, start)
        while found < 0:
            following = next(self._pieces, None)
            if following is None:
                return ""
            piece, found = following, following.find(end)
        return piece[found + len(end) :]

    def _tag(self, piece: str, is_end: bool, name: str, at: int) -> None:  # noqa: FBT001 -- private
        piece, rest = self._whole_tag(piece, at)
        if rest is not None:
            attributes, text = piece[at : rest.end() - 1], piece[rest.end() :]
        else:  # quotes that do not end, or no ">": nothing in it can be relied on
            attributes, text = "", piece[at:].partition(">")[2]
        if name == "body":
            name = "div"
            if not is_end:
                attributes, self._body = self._body(attributes), str
        if name in _SILENT and not is_end:
            text = self._skip(name, text, attributes)
        elif name == "meta":
            said = without_references(attributes)
            self._result.dark |= bool(_SCHEME.search(said)) and "dark" in said.lower()
        elif name in TAGS_KEPT:
            self._count += 1
            if self._count <= TAGS:  # ends as well: each looks through all that is open
                if is_end:
                    self._end(name)
                else:
                    self._begin(name, attributes)
        self._text(text)

    def _skip(self, name: str, text: str, attributes: str) -> str:
        """What follows the end of a silent element."""
        if attributes.endswith("/") and name in _MAY_BE_EMPTY:
            return text
        kept = [text]
        for following in self._pieces:
            match = _NAME.match(following)
            if match is not None and match[1] and match[2].lower() == name:
                self._keep_sheet(name, "<".join(kept))
                return following.partition(">")[2]
            kept.append(following)
        self._keep_sheet(name, "<".join(kept))
        return ""

    def _keep_sheet(self, name: str, sheet: str) -> None:
        if name == "style" and len(sheet) <= self._sheet_room:
            self._sheet_room -= len(sheet)
            self._result.sheets.append(sheet)

    def _begin(self, name: str, attributes: str) -> None:
        if name in _ENDS:
            self._close_if(_ENDS[name], _WALLS.get(name, _TABLE))
        if name in VOID:
            self._out.append(f"<{name}{attributes}>")
            return
        full = len(self._open) >= HTML_DEPTH
        if full or (name in FORMATS and self._formats >= OPEN_FORMATS):
            return
        if name == "a" and "a" in self._open:
            self._end("a")
        self._out.append(f"<{name}{attributes.rstrip('/')}>")
        self._open.append(name)
        self._closed_later.append(False)
        self._formats += name in FORMATS

    def _close_if(self, names: frozenset[str], walls: frozenset[str]) -> None:
        """Close the outermost of *names* that is open within the nearest of *walls*."""
        place = None
        for level in range(len(self._open) - 1, -1, -1):
            if self._open[level] in walls:
                break
            if self._open[level] in names:
                place = level
        if place is not None:
            self._pop_to(place)

    def _end(self, name: str) -> None:
        walls = (
            _CELLS - {name}
            if name not in ("tr", "tbody", "thead", "tfoot", "table")
            else frozenset(_TABLE - {name})
        )
        for level in range(len(self._open) - 1, -1, -1):
            if self._open[level] == name and not self._closed_later[level]:
                break
            if self._open[level] in walls:
                return
        else:
            return
        if name in FORMATS and any(
            each not in FORMATS and each != "span" for each in self._open[level + 1 :]
        ):
            self._closed_later[level] = True
            return
        self._pop_to(level)

    def _pop_to(self, level: int) -> None:
        while len(self._open) > level:
            self._pop()
        while self._open and self._closed_later[-1]:
            self._pop()

    def _pop(self) -> None:
        name = self._open.pop()
        self._closed_later.pop()
        self._formats -= name in FORMATS
        self._out.append(f"</{name}>")
