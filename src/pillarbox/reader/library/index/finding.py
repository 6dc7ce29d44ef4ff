"""Words of a search, found in a text as the index has found them. Pure.

A text is gone through in parts: what has no word in it is only folded, which is quick, and compared; and where all words
have been found, the rest is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from pillarbox.reader.library.index.folding import fold
from pillarbox.reader.library.index.placing import (
    Place,
    end_of_cluster,
    first_token,
    goes_with_the_last,
    is_within_signs,
    placed,
    source,
)
from pillarbox.reader.library.index.query import Words

MOST_WORDS = 20
"""Of one search that are shown: a pasted page is no reason to be slow."""
_PART = 1_000
"""Characters that are looked at together."""
_FURTHER = 500
"""Characters behind them that a phrase may go on for: a longer one may be missed between two parts."""
_FOLDED = 8
"""So many times what ASCII takes is taken by other characters: three times by accents, twelve times by Japanese."""
_MOST_PLACES = 40
"""Of one word in a part."""


class _Sought(NamedTuple):
    number: int
    token: str
    """What is looked for: quicker than for the pattern."""
    before: int
    """Characters of the pattern that come before it."""
    pattern: re.Pattern[str]


@dataclass(slots=True)
class Finder:
    """Finds *words*, by their numbers; only the first :data:`MOST_WORDS` of them."""

    words: tuple[Words, ...]
    _literal: tuple[_Sought, ...]
    _loose: tuple[_Sought, ...]
    """Those that have signs around them, without these."""
    effort: int = 0
    """What it has cost so far: characters of ASCII that would have been as much to look through."""

    @classmethod
    def of(cls, words: Iterable[Words]) -> Finder:
        """For those of *words* that are to be there."""
        positive = tuple(dict.fromkeys(word for word in words if not word.negative))[:MOST_WORDS]
        loose = [n for n, word in enumerate(positive) if is_within_signs(word.text)]
        return cls(
            positive,
            tuple(_sought(positive, range(len(positive)), literally=True)),
            tuple(_sought(positive, loose, literally=False)),
        )

    def places(self, text: str, words: Iterable[int]) -> list[Place]:
        """Where those *words* are in *text*, in order: each at least once, if it is there."""
        wanted = set(words)
        found = self._search(text, [one for one in self._literal if one.number in wanted])
        left = wanted.difference(place.word for place in found)
        if loose := [one for one in self._loose if one.number in left]:
            found += self._search(text, loose)
        return sorted(found)

    def _search(self, text: str, sought: Sequence[_Sought]) -> list[Place]:
        found: list[Place] = []
        missing = {one.number for one in sought}
        for start, end in _parts(text):
            if not missing:
                break
            part = text[start : end + _FURTHER]
            self.effort += len(part) * (1 if part.isascii() else _FOLDED)
            folded = fold(part)
            here = [one for one in sought if one.token in folded]
            if here:
                places = _places(part, start, end, here)
                missing.difference_update(place.word for place in places)
                found += places
        return found


def _sought(words: Sequence[Words], which: Iterable[int], *, literally: bool) -> Iterator[_Sought]:
    for number in which:
        word = words[number]
        if pattern := source(word.text, beginning=word.beginning, literally=literally):
            at, token = first_token(word.text)
            yield _Sought(number, token, at if literally else 0, re.compile(pattern))


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Between words, where there are spaces."""
    start = 0
    while start < len(text):
        end = min(start + _PART, len(text))
        if end < len(text):
            space = text.find(" ", end, end + _PART)
            end = space if space >= 0 else end
            while end < len(text) and goes_with_the_last(text[end]):
                end += 1
        yield start, end
        start = end


def _places(part: str, start: int, end: int, sought: Iterable[_Sought]) -> list[Place]:
    """In *part*, which begins at *start* in its text; not those that begin behind *end*."""
    folded, places = placed(part)
    found: list[Place] = []
    for one in sought:
        for hit in islice(_hits(one, folded), _MOST_PLACES):
            first = places[hit.start()]
            if start + first >= end:
                break
            last = end_of_cluster(part, places[hit.end() - 1] + 1)
            found.append(Place(start + first, start + last, one.number))
    return found


def _hits(one: _Sought, folded: str) -> Iterator[re.Match[str]]:
    at = folded.find(one.token)
    while at >= 0:
        hit = one.pattern.match(folded, at - one.before) if at >= one.before else None
        if hit is not None:
            yield hit
        at = folded.find(one.token, hit.end() if hit else at + 1)
