"""The words of a message, as an answer or a forwarded message shows them. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from html import escape

from pillarbox.reader.compose.flowed import SIGNATURE, Line, lines_of, unflow
from pillarbox.reader.mail.letter import Letter
from pillarbox.reader.model import Correspondent

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
MAX_QUOTE = 200_000
"""Characters of a text that is quoted: nobody answers more, and a page has to hold it."""
FORWARDED = "---------- Forwarded message ----------"
_LISTED = 50
"""Recipients that are named at the head of a forwarded message."""


def day_and_time(moment: datetime, zone: tzinfo | None) -> tuple[str, str]:
    """``3 Nov 2026`` and ``10:42``. *zone* None: the system's."""
    local = moment.astimezone(zone)
    return f"{local.day} {_MONTHS.split()[local.month - 1]} {local.year}", f"{local:%H:%M}"


def attribution(letter: Letter, zone: tzinfo | None) -> str:
    """``On 3 Nov 2026 at 10:42, Ada Lovelace wrote:``"""
    who = str(letter.sender[0]) if letter.sender else "somebody"
    if letter.date is None:
        return f"{who} wrote:"
    day, time = day_and_time(letter.date, zone)
    return f"On {day} at {time}, {who} wrote:"


def lines(letter: Letter) -> list[Line]:
    """Its text, line by line."""
    text = letter.text[:MAX_QUOTE]
    found = unflow(text, delsp=letter.delsp) if letter.flowed else lines_of(text)
    return _trimmed(found)


def paragraphs(letter: Letter) -> list[Line]:
    """The same without the signature: nobody answers that."""
    found = lines(letter)
    signature = Line(0, SIGNATURE)
    return _trimmed(found[: found.index(signature)]) if signature in found else found


def quoted(letter: Letter, zone: tzinfo | None) -> str:
    """The text of *letter* below its attribution, each line behind ``>``."""
    deeper = (Line(line.depth + 1, line.text) for line in paragraphs(letter))
    return "\n".join([attribution(letter, zone), *map(str, deeper)])


def quoted_html(letter: Letter, html: str, zone: tzinfo | None) -> str:
    """The same for *html*, which is that of *letter*, sanitised."""
    said = escape(attribution(letter, zone))
    return f'<div>{said}</div>\n<blockquote type="cite">\n{html}\n</blockquote>'


def forwarded(letter: Letter, zone: tzinfo | None) -> str:
    """The text of *letter*, whole, below what stood at its head."""
    head = [f"{name}: {value}" for name, value in _head(letter, zone)]
    return "\n".join([FORWARDED, *head, "", *map(str, lines(letter))])


def forwarded_html(letter: Letter, html: str, zone: tzinfo | None) -> str:
    """The same for *html*."""
    rows = [f"<b>{name}:</b> {escape(value)}" for name, value in _head(letter, zone)]
    head = "<br>\n".join([FORWARDED, *rows])
    return f"<div>{head}</div>\n<div><br></div>\n{html}"


def _head(letter: Letter, zone: tzinfo | None) -> list[tuple[str, str]]:
    when = " at ".join(day_and_time(letter.date, zone)) if letter.date else ""
    fields = [
        ("From", _named(letter.sender)),
        ("Date", when),
        ("Subject", letter.subject),
        ("To", _named(letter.to)),
        ("Cc", _named(letter.cc)),
    ]
    return [(name, value) for name, value in fields if value]


def _named(people: Iterable[Correspondent]) -> str:
    shown = [f"{one.name} <{one.address}>" if one.name else one.address for one in people]
    more = len(shown) - _LISTED
    return ", ".join(shown[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _trimmed(found: list[Line]) -> list[Line]:
    """Without empty lines at either end."""
    first, last = 0, len(found)
    while first < last and not found[first].text.strip():
        first += 1
    while last > first and not found[last - 1].text.strip():
        last -= 1
    return found[first:last]
