"""Where in a text words are, as the index finds them. Pure.

Words are compared folded, and shown as they were written; so it has to be known which characters of the original a folded
one comes from: ``ß`` becomes two, an accent none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category

from pillarbox.reader.library.index import folding
from pillarbox.reader.library.index.graphemes import end_of_cluster, extends

FURTHEST = 40
"""Characters between two words of a phrase that are no letters: the index does not see them. More are a line across the
page."""

_ASCII = re.compile("[\x00-\x7f]+")
_SPACED = rf"[^\W_{folding.SPACELESS}]"
"""A letter or digit of a script with spaces: with others like it, it makes a word."""
_TOKEN = re.compile(rf"{_SPACED}+|[^\W_]")
_BEGINS, _ENDS = f"(?<!{_SPACED})", f"(?!{_SPACED})"
_BETWEEN = rf"[\W_]{{1,{FURTHEST}}}+"
_MAYBE_BETWEEN = rf"[\W_]{{0,{FURTHEST}}}+"
_UNWANTED = ("Cc", "Cs")
_SOURCES = 256
_CLUSTERS = 8192
"""That are remembered: of a language, all; of Chinese, most."""


class Place(NamedTuple):
    """Where a word is in a text, as it was written."""

    start: int
    end: int
    word: int
    """Which one of several: its number."""


def placed(text: str) -> tuple[str, Sequence[int]]:
    """*text* as the index folds it, and for each of its characters the place in *text* that it comes from."""
    if text.isascii():
        return text.lower(), range(len(text))
    whole = folding.fold(text)
    if len(whole) == len(text) and not any(map(_may_vanish, set(text))):
        return whole, range(len(text))  # each became one, as none became less
    folded: list[str] = []
    places: list[int] = []
    for place, cluster in _clusters(text):
        part = _folded(cluster)
        folded.append(part)
        places += range(place, place + len(part)) if cluster.isascii() else [place] * len(part)
    return "".join(folded), places


@lru_cache(_CLUSTERS)
def _may_vanish(character: str) -> bool:
    """Whether it may be none in a folded text."""
    return category(character) in _UNWANTED or extends(character)


@lru_cache(_SOURCES)
def source(word: str, *, beginning: bool, literally: bool = True) -> str:
    """A regular expression for *word* (folded; or several in a row) in a folded text; empty: there is nothing in it to be
    found. *beginning*: it may go on. *literally*: with the signs around it, of which the index knows nothing: ``c++``.
    """
    tokens = list(_TOKEN.finditer(word))
    if not tokens:
        return ""
    before, after = word[: tokens[0].start()], word[tokens[-1].end() :]
    parts = [re.escape(before) if before and literally else _boundary(tokens[0][0], _BEGINS)]
    for last, token in zip([None, *tokens], tokens, strict=False):
        if last is not None:
            both = re.match(_SPACED, last[0]) and re.match(_SPACED, token[0])
            parts.append(_BETWEEN if both else _MAYBE_BETWEEN)
        parts.append(re.escape(token[0]))
    if after and literally:
        parts.append(re.escape(after))
    elif not beginning:
        parts.append(_boundary(tokens[-1][0], _ENDS))
    return "".join(parts)


def is_within_signs(word: str) -> bool:
    """Whether there is something around *word* that the index does not know of."""
    return bool(word) and any(_TOKEN.match(each) is None for each in (word[0], word[-1]))


def first_token(word: str) -> tuple[int, str]:
    """What has to be in a folded text that has *word*, and where in *word* it begins; empty: nothing of it can be found."""
    found = _TOKEN.search(word)
    return (found.start(), found[0]) if found else (0, "")


def _boundary(token: str, boundary: str) -> str:
    return boundary if re.match(_SPACED, token) else ""


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Pieces that are folded without regard to what is around them: a character with its marks, or many without any."""
    at = 0
    while at < len(text):
        plain = _ASCII.match(text, at)
        if plain is not None and plain.end() - at > 1:
            yield at, text[at : plain.end() - 1]
            at = plain.end() - 1
        end = end_of_cluster(text, at + 1)
        yield at, text[at:end]
        at = end


@lru_cache(_CLUSTERS)
def _folded_cluster(cluster: str) -> str:
    return folding.fold(cluster)


def _folded(cluster: str) -> str:
    return cluster.lower() if cluster.isascii() else _folded_cluster(cluster)
