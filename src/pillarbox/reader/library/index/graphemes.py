"""What is one character to people: with its accents, its skin tone, the rest of a flag. Pure.

A text is cut, folded and marked by these, so that none loses a part. The rules are those of extended grapheme clusters
(unicode.org/reports/tr29), with general categories for the tables that Python does not have, and such as are folded together
are one in any case: where the two differ, a text is cut a little later or earlier than it could be.
"""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category, normalize

_JOINERS = "\u200c\u200d"
_TONES = ("\U0001f3fb", "\U0001f3ff")
_TAGS = ("\U000e0020", "\U000e007f")
_FLAGS = ("\U0001f1e6", "\U0001f1ff")
_JAMO = (("\u1160", "\u11ff"), ("\ud7b0", "\ud7fb"))
"""Vowels and ends of syllables in Hangul."""
_PREPENDED = ("\u0600", "\u0605"), ("\u06dd", "\u06dd"), ("\u070f", "\u070f")
"""Signs of numbers and the like, which belong to what follows."""
_REMEMBERED = 8192
"""Characters: of a language, all; of Chinese, most."""


def may_cut(text: str, at: int) -> bool:
    """Whether a character begins at *at*, or the text ends."""
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if before.isascii() and after.isascii():
        return True
    if _is_flag(after) and _is_flag(before):
        return _flags_before(text, at) % 2 == 0
    return not (extends(after) or before == _JOINERS[1] or _is_in(before, *_PREPENDED))


def end_of_cluster(text: str, end: int) -> int:
    """Where what belongs to the character before *end* ends."""
    while end < len(text) and extends(text[end]):
        end += 1
    return end


@lru_cache(_REMEMBERED)
def extends(character: str) -> bool:
    """Whether it belongs to what stands before it, whatever that is."""
    # Taken apart: a vowel of Thai begins with a mark, a narrow accent is one, a letter of Hangul is a part of a syllable.
    first = normalize("NFKD", character)[0]
    return (
        category(first).startswith("M") or first in _JOINERS or _is_in(first, _TONES, _TAGS, *_JAMO)
    )


def _flags_before(text: str, at: int) -> int:
    start = at
    while start and _is_flag(text[start - 1]):
        start -= 1
    return at - start


def _is_flag(character: str) -> bool:
    return _is_in(character, _FLAGS)


def _is_in(character: str, *ranges: tuple[str, str]) -> bool:
    return any(first <= character <= last for first, last in ranges)
