"""Where a text can be cut so that no character loses a part: its accents, its skin tone, the rest of a flag. Pure.

The rules are those of extended grapheme clusters (unicode.org/reports/tr29), with general categories for the tables that
Python does not have: where the two differ, a text is cut a little later or earlier than it could be.
"""

from __future__ import annotations

from unicodedata import category

_JOINERS = "\u200c\u200d"
_TONES = ("\U0001f3fb", "\U0001f3ff")
_TAGS = ("\U000e0020", "\U000e007f")
_FLAGS = ("\U0001f1e6", "\U0001f1ff")
_AM = "\u0e33\u0eb3"
"""Vowels of Thai and Lao that are letters, and stand with the one before them."""
_JAMO = (("\u1160", "\u11ff"), ("\ud7b0", "\ud7fb"))
"""Vowels and ends of syllables in Hangul."""
_PREPENDED = ("\u0600", "\u0605"), ("\u06dd", "\u06dd"), ("\u070f", "\u070f")
"""Signs of numbers and the like, which belong to what follows."""


def may_cut(text: str, at: int) -> bool:
    """Whether a character begins at *at*, or the text ends."""
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if before.isascii() and after.isascii():
        return True
    if _is_flag(after) and _is_flag(before):
        return _flags_before(text, at) % 2 == 0
    return not (_extends(after) or before == _JOINERS[1] or _is_in(before, *_PREPENDED))


def _extends(character: str) -> bool:
    return (
        category(character).startswith("M")
        or character in _JOINERS
        or character in _AM
        or _is_in(character, _TONES, _TAGS, *_JAMO)
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
