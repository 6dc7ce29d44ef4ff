"""Sizes as people write them: ``500M``, ``2GiB``, ``1048576``.

The letters mean what they mean to GNU's tools: ``K``, ``M``, ``G``, ``T`` (or ``KiB`` …)
count in 1024, ``kB``, ``MB``, ``GB``, ``TB`` in 1000.
"""

from __future__ import annotations

import re

_LETTERS = "KMGT"
_SIZE = re.compile(r"\s*(\d+)\s*(?:([kmgt])(i?b)?|b)?\s*", re.IGNORECASE | re.ASCII)
_KIB = 1024
_MAX_DIGITS = 18  # octets of an SQLite integer; anything longer is a slip


def parse_size(text: str) -> int:
    """The octets that *text* says.

    Raises:
        ValueError: it is no size; the message shows how to write one.
    """
    found = _SIZE.fullmatch(text)
    if not found or len(found[1]) > _MAX_DIGITS:
        raise ValueError(f'"{text}" is not a size: write octets, or a number with K, M, G or T')
    number, letter, unit = found.groups()
    if not letter:
        return int(number)
    base = 1000 if (unit or "").lower() == "b" else _KIB
    return int(number) * int(base ** (_LETTERS.index(letter.upper()) + 1))


def format_size(octets: int) -> str:
    """The shortest text that :func:`parse_size` reads as exactly *octets*."""
    power = 0
    while octets and octets % _KIB == 0 and power < len(_LETTERS):
        octets //= _KIB
        power += 1
    return f"{octets}{_LETTERS[power - 1]}" if power else f"{octets}"
