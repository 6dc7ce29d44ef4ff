"""Words as they are compared: in the index, in a query, and where hits are highlighted.

The tokenizer (SQLite's ``unicode61``) breaks text into runs of letters and digits. What it does not do is done
here, on both sides: ß is ss, accents do not count (SQLite knows those of Latin letters only), full-width letters are
letters, and scripts that are written without spaces are taken character by character, so that any part of a
sentence is found as a phrase.
"""

from __future__ import annotations

import re
import unicodedata

_SPACELESS = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Myanmar
    ("\u1100", "\u11ff"),  # Hangul, in parts
    ("\u1780", "\u17ff"),  # Khmer
    ("\u3040", "\u30ff"),  # Hiragana, Katakana
    ("\u3100", "\u31bf"),  # Bopomofo, Hangul letters
    ("\u3400", "\u4dbf"),  # Han, extension A
    ("\u4e00", "\u9fff"),  # Han
    ("\uac00", "\ud7af"),  # Hangul: particles stand at the end of words
    ("\uf900", "\ufaff"),  # Han, for compatibility
    ("\U00020000", "\U0003ffff"),  # Han, other extensions
)
SPACELESS = "".join(f"{first}-{last}" for first, last in _SPACELESS)
"""Their characters, as a class of a regular expression has them."""
_CHARACTER = re.compile(f"([{SPACELESS}])")
_UNWANTED = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")
"""Controls, and halves of characters: neither SQLite nor anybody else has a use for them."""
_ACCENTS = re.compile("[\u0300-\u036f]+")
"""Of Latin, Greek and Cyrillic. Marks of other scripts make other letters."""
_PRIVATE = "Co"


def fold(text: str) -> str:
    """*text* without differences of case, accents and width, and without controls."""
    text = _UNWANTED.sub(" ", text)
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", apart))


def spaced(folded: str) -> str:
    """*folded* text as it is given to the tokenizer: each character of a script without spaces is a word."""
    return folded if folded.isascii() else _CHARACTER.sub(r" \1 ", folded)


def has_words(text: str) -> bool:
    """Whether the tokenizer finds anything in *text*."""
    return any(map(_is_token, text))


def storable(text: str) -> str:
    """*text* as SQLite takes it."""
    return _UNWANTED.sub(" ", text)


def _is_token(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LN" or category == _PRIVATE
