"""Styles that can load nothing.

What is kept is what is known to be harmless: numbers, words, colours, strings, and functions that are named here.
Nothing with an escape (a backslash) in it is kept, and no comment; so what a browser reads is what was read here. ``url(``
is not among the functions, nor is any other that takes an address (``image-set``, ``src``).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from pillarbox.reader.mail.limits import STYLE

_FUNCTIONS = (
    "rgba?|hsla?|hwb|lab|lch|oklab|oklch|calc|min|max|clamp|(?:repeating-)?(?:linear|radial|conic)-gradient|"
    "translate[xy]?|scale[xy]?|rotate|skew[xy]?|cubic-bezier|steps|repeat|minmax|fit-content|light-dark"
)
_STRING = r'"[^"\\<>\n]*+"|' + r"'[^'\\<>\n]*+'"
_VALUE = re.compile(
    rf"(?:(?<![\w-])(?:{_FUNCTIONS})\(|{_STRING}|[a-z0-9\s.,%#+*/!_)-])*+", re.IGNORECASE | re.ASCII
)
_PROPERTY = re.compile(r"[a-z-]{1,60}", re.IGNORECASE)
_REFUSED = frozenset(("behavior", "-moz-binding", "-ms-behavior", "src", "zoom"))
"""``zoom`` is the page's, which makes smaller what is too wide; of the whole message it would undo that."""
_BY_HEIGHT = re.compile(
    r"(?<=\d)(?:[sld]?v|cq)(?:[hbi]|min|max)(?![\w-])", re.IGNORECASE | re.ASCII
)
"""Units that follow the height of the window, or may. That is the frame, which is made as high as what is in it: it would grow by itself."""
_PSEUDO = "not|is|where|has|lang|dir|nth-(?:last-)?(?:child|of-type)"
_SELECTOR = re.compile(
    rf"(?:(?<=:)(?:{_PSEUDO})\(|[\w\s.,#:*>+~\[\]=)^$|-]|{_STRING})*+", re.IGNORECASE
)
"""A bracket opens behind what is named here only: ``url(`` would take all up to the next ``)``, be it in a string of another rule, of which
the rest would then be read as style."""
_MEDIA = re.compile(
    r"@media\b(?:[\w\s,):.>=/-]|(?:(?<![\w-])|(?<=@media))\()*+",
    re.IGNORECASE | re.ASCII,
)

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_TOKEN = re.compile(r""""[^"\n]*"|'[^'\n]*'|[^"'{};()]+|.""", re.DOTALL)
_DARK = re.compile(
    r"prefers-color-scheme\s*:\s*dark|color-scheme\s*+:[^:;}]*\bdark\b", re.IGNORECASE
)

_MEDIA_DEPTH = 3
"""Of ``@media`` within ``@media``."""


def declares_dark(style: str) -> bool:
    """Whether a style sheet has something for dark screens."""
    return _DARK.search(style) is not None


def clean_style(style: str) -> str:
    """What is harmless in a style attribute."""
    return _clean_style(style[:STYLE])


@functools.lru_cache(maxsize=2_048)
def _clean_style(style: str) -> str:
    return _declarations(_COMMENT.sub(" ", style))


def clean_sheet(sheet: str) -> str:
    """What is harmless in a style sheet: rules, also within ``@media``."""
    text = _COMMENT.sub(" ", sheet).replace("<!--", " ").replace("-->", " ")
    return "\n".join(_rules(text, 0))


def _rules(text: str, depth: int) -> Iterator[str]:
    for prelude, content in _split_rules(text):
        if prelude.startswith("@"):
            if depth < _MEDIA_DEPTH and _MEDIA.fullmatch(prelude) and "/*" not in prelude:
                inner = "\n".join(_rules(content, depth + 1))
                yield f"{prelude} {{\n{inner}\n}}"
        elif _SELECTOR.fullmatch(prelude) and (kept := _declarations(content)):
            yield f"{prelude} {{ {kept} }}"


def _split_rules(text: str) -> Iterator[tuple[str, str]]:
    """What stands before a block, and in it. Statements (``@import ...;``) are passed over."""
    depth, prelude, start = 0, "", 0
    begin = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark == "{":
            if depth == 0:
                prelude, start = text[begin : token.start()].strip(), token.end()
            depth += 1
        elif mark == "}":
            depth = max(0, depth - 1)
            if depth == 0:
                if start:
                    yield prelude, text[start : token.start()]
                begin, start = token.end(), 0
        elif mark == ";" and depth == 0:
            begin = token.end()
    if depth and start:
        yield prelude, text[start:]


def _declarations(text: str) -> str:
    return "; ".join(declaration for _, declaration in declarations_of(text))


def declarations_of(text: str) -> Iterator[tuple[str, str]]:
    """What is harmless of a text without comments: the name of a property, and its declaration."""
    for declaration in _split_declarations(text):
        name, colon, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon or not value or name in _REFUSED or not _PROPERTY.fullmatch(name):
            continue
        if not _VALUE.fullmatch(value) or "/*" in value or value.count("(") != value.count(")"):
            continue
        if not _BY_HEIGHT.search(re.sub(_STRING, "", value)):
            yield name, f"{name}: {value}"


def _split_declarations(text: str) -> Iterator[str]:
    """At each ``;`` that is not within a string or brackets."""
    begin, depth = 0, 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth = max(0, depth - 1)
        elif mark == ";" and depth == 0:
            yield text[begin : token.start()]
            begin = token.end()
    yield text[begin:]
