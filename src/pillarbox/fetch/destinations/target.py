"""What the user writes after ``--to``: ``maildir:DIR`` and the like.

Parsing touches no disk and no network, so that a configuration can be checked anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pillarbox.fetch.destinations.contract import Destination, Owner
from pillarbox.fetch.destinations.maildir import MaildirDestination
from pillarbox.fetch.errors import InvalidDestination


class _Kind(NamedTuple):
    """A row of the table."""

    example: str
    normalise: Callable[[str], str]
    """Raises ValueError with what is wrong."""
    open: Callable[[str, Owner], Destination]


def _path(text: str) -> str:
    return str(Path(text).expanduser().absolute())


_KINDS = {
    "maildir": _Kind(
        "maildir:DIR", _path, lambda place, owner: MaildirDestination(Path(place), owner)
    ),
}


class Target(NamedTuple):
    """A destination by name. ``str(target)`` is what the journal notes; it can be parsed."""

    kind: str
    place: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.place}"

    def open(self, owner: Owner) -> Destination:
        """The destination, at work for *owner*. It does nothing before ``prepare``."""
        return _KINDS[self.kind].open(self.place, owner)


def parse_destination(text: str) -> Target:
    """Understand *text*. ``~`` is the user's home; relative paths become absolute.

    Raises:
        InvalidDestination: it makes no sense.
    """
    kind, _, place = text.partition(":")
    row = _KINDS.get(kind)
    if row is None:
        raise _invalid(text, "it does not begin with a kind of destination")
    if not place or "\0" in place:
        raise _invalid(text, f'nothing that can be used stands behind "{kind}:"')
    try:
        return Target(kind, row.normalise(place))
    except (ValueError, RuntimeError) as error:  # RuntimeError: a home that is not known
        raise _invalid(text, str(error)) from None


def _invalid(text: str, what: str) -> InvalidDestination:
    known = ", ".join(row.example for row in _KINDS.values())
    return InvalidDestination(f'destination "{text}": {what}; give one of {known}')
