"""What was typed into the search field, understood. Pure.

Words must all be there; the last one may be a beginning, since it is still being typed. ``"as a phrase"``,
``-not``, and these, whose values may be quoted, too::

    from:ann  to:ann  subject:plans  filename:report      beginnings of words in these
    in:archive  in:Projects/2026  in:anywhere             a folder, or several of one name
    is:unread  is:read  is:flagged  is:answered  is:forwarded
    has:attachment
    before:2026-01-31  after:2026-01-31  on:2026-01-31    also 2026-01, 2026, today, yesterday
    older:30d  newer:2w                                   hours, days, weeks, months, years
    larger:5M  smaller:100k

What looks like one of these and cannot be understood is words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pillarbox.reader.library.index import moments
from pillarbox.reader.library.index.folding import fold, has_words
from pillarbox.reader.model import Flag

LONGEST = 1000
"""Characters that are looked at: nobody types more, and what is pasted is found by its beginning."""
MOST_TERMS = 40
MOST_WORDS = 20
"""That are shown where they were found, and marked: a pasted page is no reason to be slow."""

ANYWHERE = ("anywhere", "all", "everywhere")

_TERM = re.compile(
    r'(?P<no>-?)(?:(?P<name>[A-Za-z]{2,12}):)?(?:"(?P<quoted>[^"]*)(?P<end>"?)|(?P<bare>\S+))'
)
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»″", '"'))
_FIELDS = {
    "from": "sender",
    "to": "recipients",
    "cc": "recipients",
    "subject": "subject",
    "filename": "files",
    "file": "files",
}
_STATES = {
    "unread": (Flag.SEEN, False),
    "unseen": (Flag.SEEN, False),
    "new": (Flag.SEEN, False),
    "read": (Flag.SEEN, True),
    "seen": (Flag.SEEN, True),
    "flagged": (Flag.FLAGGED, True),
    "starred": (Flag.FLAGGED, True),
    "answered": (Flag.REPLIED, True),
    "replied": (Flag.REPLIED, True),
    "forwarded": (Flag.PASSED, True),
}
_ATTACHMENTS = ("attachment", "attachments", "file", "files")
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_MOST_OCTETS = 2**62
"""More than any message has, and as many as SQLite can compare."""
_SIZE = re.compile(r"(\d{1,12})(?:[.,](\d))?\s?([kmg]?)i?b?")


@dataclass(frozen=True, slots=True)
class Words:
    """A word, or several in a row, that must be there."""

    text: str
    """Folded."""
    field: str | None = None
    """The column; None: anywhere."""
    beginning: bool = False
    """The last word may go on."""
    negative: bool = False


@dataclass(frozen=True, slots=True)
class In:
    """A folder: its path, or a part of it."""

    name: str
    """Folded."""
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Is:
    """A flag is set, or is not."""

    flag: Flag
    on: bool


@dataclass(frozen=True, slots=True)
class Has:
    """Attachments."""

    on: bool


@dataclass(frozen=True, slots=True)
class Dated:
    """From *begin* until before *end* (POSIX seconds; None: without a limit)."""

    begin: int | None = None
    end: int | None = None
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Sized:
    """At least *least*, and fewer than *below* octets."""

    least: int | None = None
    below: int | None = None
    negative: bool = False


Condition = In | Is | Has | Dated | Sized


@dataclass(frozen=True, slots=True)
class Query:
    """All of these hold."""

    words: tuple[Words, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def to_highlight(self) -> tuple[str, ...]:
        """What was searched for, folded; each once."""
        return tuple(dict.fromkeys(word.text for word in self.words if not word.negative))


class _Term(NamedTuple):
    name: str
    """In small letters; empty: there is none."""
    value: str
    negative: bool
    quoted: bool
    unfinished: bool
    """It is the end of what was typed."""


def parse(text: str, now: datetime) -> Query:
    """What *text* asks for, at the moment *now* (aware; in the time zone of its user). Never fails."""
    words: list[Words] = []
    conditions: list[Condition] = []
    for term in _terms(text):
        condition = _condition(term, now)
        if condition is not None:
            conditions.append(condition)
        elif word := _words(term):
            words.append(word)
    return Query(tuple(words), tuple(conditions))


def _terms(text: str) -> Iterator[_Term]:
    text = text[:LONGEST].translate(_QUOTES)
    for count, match in enumerate(_TERM.finditer(text)):
        if count >= MOST_TERMS:
            return
        quoted = match["quoted"] is not None
        yield _Term(
            name=(match["name"] or "").lower(),
            value=match["quoted"] if quoted else match["bare"],
            negative=bool(match["no"]),
            quoted=quoted,
            unfinished=match.end() == len(text) and not match["end"],
        )


def _condition(term: _Term, now: datetime) -> Condition | None:
    read = _CONDITIONS.get(term.name)
    value = fold(term.value).strip()
    return read(value, term.negative, now) if read and value else None


def _words(term: _Term) -> Words | None:
    if _awaits_value(term):
        return None
    field = _FIELDS.get(term.name)
    value = term.value
    if field is None and term.name:
        value = f"{term.name}:{value}"  # something that only looks like ours: a URL, a time
    folded = " ".join(fold(value).split())
    if not has_words(folded):
        return None
    beginning = term.unfinished or (field is not None and not term.quoted)
    beginning = beginning and has_words(folded[-1])  # "c++" is no beginning of "code"
    return Words(folded, field, beginning, term.negative)


def _awaits_value(term: _Term) -> bool:
    """``from:``, and nothing yet."""
    name = term.name if not term.value.strip() else term.value.removesuffix(":").lower()
    return (term.name or term.value.endswith(":")) and name in _NAMES


def _in(value: str, negative: bool, _: datetime) -> Condition:  # noqa: FBT001 - one of a table
    return In(value.strip("/"), negative)


def _is(value: str, negative: bool, _: datetime) -> Condition | None:  # noqa: FBT001 - one of a table
    if value not in _STATES:
        return None
    flag, on = _STATES[value]
    return Is(flag, on != negative)


def _has(value: str, negative: bool, _: datetime) -> Condition | None:  # noqa: FBT001 - one of a table
    return Has(not negative) if value in _ATTACHMENTS else None


def _dated(limits: Callable[[moments.Span], tuple[int | None, int | None]]) -> _Reader:
    def read(value: str, negative: bool, now: datetime) -> Condition | None:  # noqa: FBT001 - one of a table
        span = moments.span(value, now)
        return Dated(*limits(span), negative) if span else None

    return read


def _older(value: str, negative: bool, now: datetime) -> Condition | None:  # noqa: FBT001 - one of a table
    moment = moments.ago(value, now)
    return None if moment is None else Dated(None, moment, negative)


def _newer(value: str, negative: bool, now: datetime) -> Condition | None:  # noqa: FBT001 - one of a table
    moment = moments.ago(value, now)
    return None if moment is None else Dated(moment, None, negative)


def _larger(value: str, negative: bool, _: datetime) -> Condition | None:  # noqa: FBT001 - one of a table
    octets = _octets(value)
    return None if octets is None else Sized(octets, None, negative)


def _smaller(value: str, negative: bool, _: datetime) -> Condition | None:  # noqa: FBT001 - one of a table
    octets = _octets(value)
    return None if octets is None else Sized(None, octets, negative)


def _octets(value: str) -> int | None:
    match = _SIZE.fullmatch(value)
    if match is None or not value.isascii():
        return None
    whole, tenth, unit = match.groups()
    octets = int(whole) * _UNITS[unit] + int(tenth or 0) * _UNITS[unit] // 10
    return min(octets, _MOST_OCTETS)


_Reader = Callable[[str, bool, datetime], Condition | None]
_CONDITIONS: Mapping[str, _Reader] = {
    "in": _in,
    "folder": _in,
    "is": _is,
    "has": _has,
    "before": _dated(lambda span: (None, span.begin)),
    "until": _dated(lambda span: (None, span.end)),
    "after": _dated(lambda span: (span.begin, None)),
    "since": _dated(lambda span: (span.begin, None)),
    "on": _dated(lambda span: (span.begin, span.end)),
    "date": _dated(lambda span: (span.begin, span.end)),
    "older": _older,
    "newer": _newer,
    "larger": _larger,
    "smaller": _smaller,
}
_NAMES = frozenset(_FIELDS) | frozenset(_CONDITIONS)
