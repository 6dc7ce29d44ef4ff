"""Marking in a text what was searched for.

A search finds words whatever their case and accents, so marking compares folded texts, and has to know
which characters of the original a folded one comes from: ``ß`` becomes two, an accent none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from unicodedata import category, normalize

from markupsafe import Markup, escape

from pillarbox.reader.library.index import folding

MAX_WORDS = 20
"""Of one search that are marked: a pasted page is no reason to be slow."""


def fold(text: str) -> tuple[str, list[int]]:
    """*text* as the index folds it, and for each of its characters the place in *text* that it comes from."""
    if text.isascii():
        return text.lower(), list(range(len(text)))
    folded: list[str] = []
    places: list[int] = []
    for place, cluster in _clusters(text):
        part = folding.fold(cluster)
        folded.append(part)
        places += [place] * len(part)
    return "".join(folded), places


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Pieces that are folded without regard to what is around them: a character with its marks."""
    start = 0
    for place in range(1, len(text)):
        if not _goes_with_the_last(text[place]):
            yield start, text[start:place]
            start = place
    if text:
        yield start, text[start:]


def _goes_with_the_last(character: str) -> bool:
    first = normalize("NFKD", character)[0]
    return category(first).startswith("M") or "\u1160" <= first <= "\u11ff"  # Hangul, taken apart


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
            while end < len(text) and _goes_with_the_last(text[end]):
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
    anywhere = folding.spaced(word[0]) != word[0]  # in scripts without spaces
    return text if anywhere or not word[0].isalnum() else rf"(?<!\w){text}"
