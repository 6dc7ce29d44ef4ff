"""Marking in a text what was searched for.

A search finds words whatever their case and accents, so marking compares folded texts, and has to know
which characters of the original a folded one comes from: ``ß`` becomes two, an accent none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from unicodedata import combining, normalize

from markupsafe import Markup, escape

MAX_WORDS = 20
"""Of one search that are marked: a pasted page is no reason to be slow."""

_FROM_CJK = "\u2e80"
"""From here on scripts are written without spaces: a word may begin anywhere."""


def fold(text: str) -> tuple[str, list[int]]:
    """*text* without case and accents, and for each of its characters the place in *text* that it comes from."""
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for part in normalize("NFKD", character.casefold()):
            if not combining(part):
                folded.append(part)
                places.append(place)
    return "".join(folded), places


def mark(text: str, words: Sequence[str]) -> Markup:
    """*text*, escaped, with ``<mark>`` around what begins like one of *words*."""
    if not words or not text:
        return escape(text)
    done = 0
    pieces: list[Markup] = []
    for start, end in _spans(text, words):
        pieces += [escape(text[done:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        done = end
    return Markup("").join([*pieces, escape(text[done:])])


def _spans(text: str, words: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Parts of *text* to be marked: in order, and none within another."""
    pattern = _pattern(words)
    if pattern is None:
        return
    folded, places = fold(text)
    end = 0
    for hit in pattern.finditer(folded):
        start = places[hit.start()]
        if start >= end:
            end = places[hit.end() - 1] + 1
            # Accents that follow as characters of their own belong to it.
            while end < len(text) and combining(text[end]):
                end += 1
            yield start, end


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    wanted = {fold(word)[0].strip() for word in words[:MAX_WORDS]} - {""}
    if not wanted:
        return None
    longest_first = sorted(wanted, key=lambda word: (-len(word), word))
    return re.compile("|".join(_one(word) for word in longest_first))


def _one(word: str) -> str:
    # Between the words of a phrase there may be more, or other, white space.
    text = r"\s+".join(map(re.escape, word.split()))
    return text if word >= _FROM_CJK or not word[0].isalnum() else rf"(?<!\w){text}"
