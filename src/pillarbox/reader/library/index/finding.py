"""Words of a search, found in a text as the index has found them. Pure.

A text is gone through in parts: what has no word in it is only folded, which is quick, and compared; and where all words
have been found, the rest is not looked at. A word that takes very long in a text is given up there, the others are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from pillarbox.reader.library.index.folding import fold
from pillarbox.reader.library.index.graphemes import end_of_cluster
from pillarbox.reader.library.index.placing import (
    Place,
    first_token,
    is_within_signs,
    placed,
    source,
)
from pillarbox.reader.library.index.query import MOST_WORDS, Words

_PART = 1_000
"""Characters that are looked at together."""
_FURTHER = 500
"""Characters behind them that a phrase may go on for: a longer one may be missed between two parts."""
_FOLDED = 8
"""So many times what ASCII takes is taken by other characters: three times by accents, twelve times by Japanese."""
_MOST_PLACES = 40
"""Of one word in a part."""
_TRY = 20
"""What it takes to look whether a word is at a place, in characters of ASCII; and as many more as the word has."""
_PLACE = 150
"""The same for a place that is found, and what is done with it afterwards (see :mod:`.passages`)."""
MOST_OF_A_WORD = 100_000
"""Of what tries and places take, for one word in one text: some hundreds of places, or some thousands of tries in vain."""


class _Sought(NamedTuple):
    number: int
    token: str
    """What is looked for: quicker than for the pattern."""
    before: int
    """Characters of the pattern that come before it."""
    pattern: re.Pattern[str]
    price: int
    """Of a try."""


@dataclass(slots=True)
class _Hunt:
    """For one word in one text."""

    sought: _Sought
    effort: int = 0
    found: bool = False

    @property
    def is_given_up(self) -> bool:
        return self.effort >= MOST_OF_A_WORD

    def hits(self, folded: str) -> Iterator[re.Match[str]]:
        """In a *folded* part."""
        one = self.sought
        at = folded.find(one.token)
        while at >= 0 and not self.is_given_up:
            self.effort += one.price
            hit = one.pattern.match(folded, at - one.before) if at >= one.before else None
            if hit is not None:
                self.effort += _PLACE
                yield hit
            at = folded.find(one.token, hit.end() if hit else at + 1)


@dataclass(slots=True)
class Finder:
    """Finds *words*, by their numbers; only the first :data:`.query.MOST_WORDS` of them."""

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
        """Where those *words* are in *text*, in order: each at least once, if it is there and not given up."""
        wanted = set(words)
        found = self._search(text, [one for one in self._literal if one.number in wanted])
        left = wanted.difference(place.word for place in found)
        if loose := [one for one in self._loose if one.number in left]:
            found += self._search(text, loose)
        return sorted(found)

    def _search(self, text: str, sought: Iterable[_Sought]) -> list[Place]:
        found: list[Place] = []
        hunts = left = list(map(_Hunt, sought))
        for start, end in _parts(text):
            left = [hunt for hunt in left if not hunt.is_given_up]
            if all(hunt.found for hunt in left):
                break
            part = text[start : end + _FURTHER]
            self.effort += len(part) * (1 if part.isascii() else _FOLDED)
            folded = fold(part)
            here = [hunt for hunt in left if hunt.sought.token in folded]
            if here:
                found += _places(part, start, end, here)
        self.effort += sum(hunt.effort for hunt in hunts)
        return found


def _sought(words: Sequence[Words], which: Iterable[int], *, literally: bool) -> Iterator[_Sought]:
    for number in which:
        word = words[number]
        if pattern := source(word.text, beginning=word.beginning, literally=literally):
            at, token = first_token(word.text)
            before, price = at if literally else 0, _TRY + len(word.text)
            yield _Sought(number, token, before, re.compile(pattern), price)


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Between words, where there are spaces."""
    start = 0
    while start < len(text):
        end = min(start + _PART, len(text))
        if end < len(text):
            space = text.find(" ", end, end + _PART)
            end = space if space >= 0 else end
            end = end_of_cluster(text, end)
        yield start, end
        start = end


def _places(part: str, start: int, end: int, hunts: Iterable[_Hunt]) -> list[Place]:
    """In *part*, which begins at *start* in its text; not those that begin behind *end*."""
    folded, places = placed(part)
    found: list[Place] = []
    for hunt in hunts:
        for hit in islice(hunt.hits(folded), _MOST_PLACES):
            first = places[hit.start()]
            if start + first >= end:
                break
            last = end_of_cluster(part, places[hit.end() - 1] + 1)
            found.append(Place(start + first, start + last, hunt.sought.number))
            hunt.found = True
    return found
