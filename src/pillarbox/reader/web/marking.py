"""Marking in a text what was searched for.

A search finds words whatever their case and accents, so marking compares folded texts (see
:mod:`pillarbox.reader.library.index.placing`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from pillarbox.reader.library.index.folding import fold
from pillarbox.reader.library.index.graphemes import end_of_cluster
from pillarbox.reader.library.index.placing import is_within_signs, placed, source
from pillarbox.reader.library.index.query import MOST_WORDS


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
    folded, places = placed(text)
    pattern = _pattern(words, folded)
    if pattern is None:
        return
    end = 0
    for hit in pattern.finditer(folded):
        start = places[hit.start()]
        if start >= end:
            # Accents that follow as characters of their own belong to it.
            end = end_of_cluster(text, places[hit.end() - 1] + 1)
            yield start, end


def _pattern(words: Sequence[str], folded: str) -> re.Pattern[str] | None:
    """For what of *words* is to be marked in a *folded* text: what begins like one of them."""
    wanted = {fold(word).strip() for word in words[:MOST_WORDS]} - {""}
    longest_first = sorted(wanted, key=lambda word: (-len(word), word))
    found = [one for one in (_one(word, folded) for word in longest_first) if one]
    return re.compile("|".join(found)) if found else None


def _one(word: str, folded: str) -> str:
    """*word* with the signs around it; if it is nowhere so, without them: as the search has found it."""
    literal = source(word, beginning=True) or re.escape(word)
    if is_within_signs(word) and not re.search(literal, folded):
        return source(word, beginning=False, literally=False)
    return literal
