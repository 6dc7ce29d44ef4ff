"""Pieces of a text around what was found in it. Pure.

A list is narrow: what was found has to stand near the beginning of its line. So little of the text stands before it, and
of several words those that stand together are shown together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple
from unicodedata import east_asian_width

from pillarbox.reader.library.index.graphemes import may_cut
from pillarbox.reader.library.index.placing import Place

NARROW = 25
"""Columns that a narrow list shows in any case, be all of them capitals. Chinese characters take two."""
LEAD = 16
"""Columns before what was found, at most."""
SHORT_LEAD = 10
"""The same where there are several pieces."""
TOGETHER = 60
"""Characters: what stands as near as that is seen at one look."""
SHORT = 30
"""Characters of a name that is not cut."""
TAIL = 16
"""Characters behind what was found, where another piece follows."""
LONGEST = 200
"""Characters of all pieces: a wide list shows no more."""
MOST_PIECES = 3
_WORD = 16
"""Characters that are left away (or added) so that a cut is between words."""
_FEW = 6
"""Characters at the beginning that are not worth a cut."""
CUT = "…"
_WIDE = ("W", "F")


class Span(NamedTuple):
    """From *start* until before *end*; of the text that is shown."""

    start: int
    end: int


def passages(text: str, places: Sequence[Place]) -> tuple[str, ...]:
    """Pieces of *text* (one line) that show each word that has a place in it, as far as there is room, in their order; with …
    where they are cut. *places* are in order.
    """
    groups = _groups(places)
    if not groups:
        return ()
    # Where little of the text follows, there is room for more of what stands before it.
    rest = _columns_of(text[groups[0].start : groups[0].start + NARROW])
    lead = max(LEAD, NARROW - rest) if len(groups) == 1 else SHORT_LEAD
    spans: list[Span] = []
    for group in groups:
        start = _start(text, _back(text, group.start, lead), group.start)
        end = _end(text, group.end, group.end + TAIL)
        if spans and start <= spans[-1].end + 1:
            spans[-1] = Span(spans[-1].start, max(end, spans[-1].end))
        else:
            spans.append(Span(start, end))
    last = spans[-1]
    room = LONGEST - sum(span.end - span.start for span in spans[:-1])
    spans[-1] = Span(last.start, max(last.end, _end(text, last.end, last.start + room)))
    first, *others = (text_of(text, span) for span in spans)
    return first, *(piece.removeprefix(CUT) for piece in others)  # the one before it ends with it


def around(text: str, place: Place | None, longest: int) -> str:
    """*text* itself, if it is no longer than that, else the piece of it around *place*. All of a short one is seen."""
    at = place.start if place else 0
    start = _start(text, _back(text, at, SHORT_LEAD), at) if len(text) > SHORT else 0
    return text_of(text, Span(start, _end(text, place.end if place else 0, start + longest)))


def text_of(text: str, span: Span) -> str:
    """A piece, with … where it is cut."""
    before = CUT if text[: span.start].strip() else ""
    after = CUT if text[span.end :].strip() else ""
    return f"{before}{text[span.start : span.end].strip()}{after}"


def within(text: str, columns: int) -> str:
    """The beginning of *text* that takes so many columns."""
    if text.isascii():
        return text[:columns]
    for at, character in enumerate(text):
        columns -= _columns(character)
        if columns < 0:
            return text[:at]
    return text


def _back(text: str, at: int, columns: int) -> int:
    """So many *columns* before *at*; 0 where there are not so many."""
    while at > 0 and columns > 0:
        at -= 1
        columns -= _columns(text[at])
    return at


def _columns_of(text: str) -> int:
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    return 2 if east_asian_width(character) in _WIDE else 1


def _groups(places: Sequence[Place]) -> list[Span]:
    """What is to be seen: the first place where most of the words stand together, then the others."""
    missing = {place.word for place in places}
    found: list[Span] = []
    while missing and len(found) < MOST_PIECES:
        best = max(_together(places, missing), key=_worth)
        missing -= best.words
        found.append(Span(best.start, best.end))
    return sorted(found)


@dataclass(frozen=True, slots=True)
class _Group:
    start: int
    end: int
    words: frozenset[int]


def _worth(group: _Group) -> tuple[int, int, int]:
    """More words are better, and those that stand nearer; of equals the first is meant."""
    many = len(group.words)
    return many, group.start - group.end if many > 1 else 0, -group.start


def _together(places: Sequence[Place], missing: set[int]) -> Iterator[_Group]:
    """For each place of a *missing* word, the last first: it, and which of them follow so near that they are seen with it.

    Of each word only the next place counts, so that crowded ones cost no more than others.
    """
    following: dict[int, Place] = {}  # of each word; the nearest is the last
    for first in reversed(places):
        if first.word not in missing:
            continue
        following.pop(first.word, None)
        following[first.word] = first
        words, end = {first.word}, first.end
        for other in islice(reversed(following.values()), 1, None):
            if other.end - first.start > TOGETHER:
                break
            words.add(other.word)
            end = max(end, other.end)
        yield _Group(first.start, end, frozenset(words))


def _start(text: str, wanted: int, latest: int) -> int:
    """Where a piece begins: a word, if one begins soon after *wanted*; by *latest*, in any case."""
    if wanted <= _FEW:
        return 0
    if text[wanted - 1] == " ":
        return wanted
    space = text.find(" ", wanted, min(latest, wanted + _WORD))
    if space >= 0:
        return space + 1
    while wanted < latest and not may_cut(text, wanted):
        wanted += 1
    return wanted


def _end(text: str, least: int, wanted: int) -> int:
    """Where a piece ends: at the end of a word, if one ends soon before *wanted*; not before *least*."""
    if wanted >= len(text):
        return len(text)
    if wanted <= least:
        wanted = least
    elif text[wanted] != " ":
        space = text.rfind(" ", max(least, wanted - _WORD), wanted)
        if space >= 0:
            return space
        back = wanted
        while back > least and not may_cut(text, back):
            back -= 1
        wanted = back
    while not may_cut(text, wanted):
        wanted += 1
    return wanted
