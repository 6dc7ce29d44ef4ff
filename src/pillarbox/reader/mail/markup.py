"""The words of HTML: for searching, for a list, and for who prefers plain text.

The result is text, and is treated as such; so this need not know HTML as a browser does. It goes once through it:
the standard library's parser takes ten times as long, and of some inputs for ever (each ``<!`` looks for its end).
"""

from __future__ import annotations

import re

from pillarbox.reader.mail.words import CONTROLS, without_references

# fmt: off
_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "br", "center", "dd", "div", "dl", "dt", "fieldset",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol",
    "p", "pre", "section", "table", "tr", "ul",
))
# fmt: on
_CELLS = frozenset(("td", "th"))
_SILENT = frozenset(("head", "script", "style", "template", "title"))
"""What they hold is not shown. ``head`` is often left open: it ends where the body begins."""

_BREAKS = (
    dict.fromkeys(_CELLS, " ")
    | dict.fromkeys(_BLOCKS | {f"/{name}" for name in _BLOCKS}, "\n")
    | {"p": "\n\n", "/p": "\n\n"}
)

_TAG = re.compile(r"(/?[a-zA-Z][a-zA-Z0-9]*+)(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+>")
_LOOSE_TAG = re.compile(r"(/?[a-zA-Z][a-zA-Z0-9]*+)[^>]*+>?")
"""One whose quotes do not end."""
_EMPTY_LINES = re.compile(r"\n{3,}")


_TARGET = re.compile(r"\bhref\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)'|([^\s\"'<>]+))", re.IGNORECASE)
_LEADS_OUT = re.compile(r"(?:https?://|mailto:)\S", re.IGNORECASE)
LONGEST_TARGET = 2_000
"""Characters. What is longer nobody can read, and few servers take."""


def words_of(markup: str, at_most: int, *, targets: bool = False) -> str:
    """Its text; blocks are lines of their own. No more than *at_most* characters. *targets*: where a link leads stands
    behind its words, in angle brackets, unless they say so themselves.
    """
    text = without_references("".join(_Reader(markup, at_most, targets=targets).read()))
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return _EMPTY_LINES.sub("\n\n", CONTROLS.sub("", "\n".join(lines))).strip()[:at_most]


class _Reader:
    def __init__(self, markup: str, at_most: int, *, targets: bool) -> None:
        self._pieces = iter(markup.replace("\n", " ").split("<"))
        self._done: list[str] = []
        self._room = at_most
        self._silent = ""
        """The element whose content is passed over."""
        self._targets = targets
        self._target, self._since = "", 0
        """Of the link that is open, and where in what is done its words begin."""

    def read(self) -> list[str]:
        self._add(next(self._pieces))
        for piece in self._pieces:
            tag = _TAG.match(piece) or _LOOSE_TAG.match(piece)
            if tag is not None:
                self._mark(tag[1].lower())
                if self._targets and tag[1] in ("a", "A", "/a", "/A") and not self._silent:
                    self._link(tag[0])
                self._add(piece[tag.end() :])
            elif piece.startswith("!--"):
                self._add(self._after_comment(piece))
            else:
                self._add(_not_a_tag(piece))
            if self._room <= 0:
                break
        return self._done

    def _mark(self, tag: str) -> None:
        if self._silent:
            if tag == "/" + self._silent or (self._silent == "head" and tag == "body"):
                self._silent = ""
        elif tag in _SILENT:
            self._silent = tag
        elif tag in _BREAKS:
            self._done.append(_BREAKS[tag])

    def _link(self, tag: str) -> None:
        """A link begins, or ends; where a new one begins, the last one has ended."""
        if self._target:
            words = " ".join("".join(self._done[self._since :]).split())
            if words.rstrip("/") not in _ways_to_say(self._target):
                self._add(f" <{self._target}>")
        found = _TARGET.search(tag) if tag[0] != "/" else None
        target = (found[1] or found[2] or found[3] or "").strip() if found else ""
        says = _LEADS_OUT.match(target) and len(target) <= LONGEST_TARGET
        self._target = target.replace(" ", "%20") if says else ""
        self._since = len(self._done)

    def _add(self, text: str) -> None:
        if text and not self._silent:
            self._done.append(text)
            self._room -= len(text)

    def _after_comment(self, piece: str) -> str:
        end = piece.find("-->", 1)
        while end < 0:
            following = next(self._pieces, None)
            if following is None:
                return ""
            piece = following
            end = piece.find("-->")
        return piece[end + 3 :]


def _not_a_tag(piece: str) -> str:
    """``<!doctype ...>`` and the like go; ``a < b`` stays."""
    if piece[:1] in ("!", "?", "/"):
        return piece.partition(">")[2]
    return "<" + piece


def _ways_to_say(target: str) -> tuple[str, ...]:
    """Words that are as good as the *target* itself."""
    whole = target.rstrip("/")
    return whole, whole.partition("://")[2] or whole, whole.partition(":")[2]
