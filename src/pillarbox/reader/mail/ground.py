"""What a message stands on: the colours that its ``<body>`` is given.

A message is a fragment: its ``<body>`` becomes a ``<div>``, on which ``bgcolor`` and ``text`` mean nothing, and a background
colours a strip. So they are taken from there, and are for the document around it: without them white text may stand on white.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

import nh3

from pillarbox.reader.mail.css import clean_style, declarations_of

_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_NAME = re.compile(r"[a-z]{3,20}", re.IGNORECASE)
_PROPERTIES = {"bgcolor": "background-color", "text": "color"}


@dataclass(frozen=True, slots=True)
class Ground:
    """Declarations for the body of a document. All are harmless."""

    given: str = ""
    """By attributes: rules of a style sheet come before them."""
    styled: str = ""
    """By its style: this comes before them."""
    links: str = ""
    """By an attribute, too: the links' colour."""

    def under(self, fragment: str) -> str:
        """*fragment* with this around it, for where it stands within another document."""
        style = "; ".join(filter(None, (self.given, self.styled)))
        return f'<div style="{escape(style)}">{fragment}</div>' if style else fragment


NO_GROUND = Ground()
"""The body is given no colours."""


class GroundTaker:
    """Takes it from the attributes of a tag."""

    def __init__(self, kept: frozenset[str]) -> None:
        self._kept = kept
        self._given: list[str] = []
        self._styled: list[str] = []
        self._links = ""

    def take(self, attributes: str) -> str:
        """What is left of *attributes* (as they stand in a tag that is whole): what is *kept*, without the colours."""
        left = nh3.clean(
            f"<div{attributes.rstrip('/')}>",
            tags={"div"},
            clean_content_tags=set(),
            attributes={"div": {*self._kept, "link", *_PROPERTIES}},
            attribute_filter=self._take,
        )
        return left.removeprefix("<div").removesuffix("></div>")

    @property
    def ground(self) -> Ground:
        """What was taken."""
        return Ground("; ".join(self._given), "; ".join(self._styled), self._links)

    def _take(self, tag: str, name: str, value: str) -> str | None:
        del tag
        if name == "style":
            return self._style(value) or None
        if name not in _PROPERTIES and name != "link":
            return value
        colour = _colour(value)
        if name == "link":
            self._links = colour
        elif colour:
            self._given.append(f"{_PROPERTIES[name]}: {colour}")
        return None

    def _style(self, value: str) -> str:
        left: dict[str, None] = {}
        for name, declaration in declarations_of(clean_style(value)):
            if name == "color":
                instead = "color: inherit"
            elif name.startswith("background"):
                instead = "background: none"
            else:
                left[declaration] = None
                continue
            self._styled.append(declaration)
            left[instead] = None  # what a style sheet says of every div is not meant for this
        return "; ".join(left)


def _colour(value: str) -> str:
    """As CSS has it; empty: it is none."""
    value = value.strip()
    if number := _HEX.fullmatch(value):
        return f"#{number[1]}"
    return value if _NAME.fullmatch(value) else ""
