"""The lines of LIST and UIDL, as the server sends them. (:mod:`.listings` reads them.)

A line is the message-number, a space, and what the listing says of the message: its octets (scan
listing: RFC 1939, section 5) or its unique-id (section 7).

A maildrop may have a hundred thousand messages, and most of what their listing costs is to write
down the numbers. So they are not written down one by one: the last three digits of a thousand
numbers in a row are always the same text, in which only the thousands before them are changed.
"""

from __future__ import annotations

from collections.abc import Sequence, Set  # noqa: PYI025 - read only

_NONE: frozenset[int] = frozenset()

_BLOCK = 1000
_THOUSAND = "".join(f"#{digits:03d} %s\r\n" for digits in range(_BLOCK))
"""A thousand lines: ``#`` stands for the thousands of the number, ``%s`` for what is said."""
_WIDTH = len("#000 %s\r\n")


def listing_lines(first: int, column: Sequence[str], without: Set[int] = _NONE) -> bytes:
    """The lines of the messages from number *first* on, each with CRLF.

    Args:
        first: the number of the first of them.
        column: what the listing says of each.
        without: numbers that are left out, as they are marked as deleted.
    """
    last = first + len(column) - 1
    if without or last < _BLOCK:
        lines = [
            f"{number} {said}\r\n"
            for number, said in enumerate(column, first)
            if number not in without
        ]
        return "".join(lines).encode()
    return (_numbered(first, last) % tuple(column)).encode()


def _numbered(first: int, last: int) -> str:
    """The lines from *first* to *last*, with a ``%s`` for what is to be said."""
    parts = [f"{number} %s\r\n" for number in range(first, _BLOCK)]  # without leading zeros
    for thousands in range(max(1, first // _BLOCK), last // _BLOCK + 1):
        begin = max(0, first - thousands * _BLOCK)
        end = min(_BLOCK, last + 1 - thousands * _BLOCK)
        lines = _THOUSAND[begin * _WIDTH : end * _WIDTH]
        parts.append(lines.replace("#", str(thousands)))
    return "".join(parts)
