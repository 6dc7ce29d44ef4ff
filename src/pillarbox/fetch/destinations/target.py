"""What the user writes after ``--to``: ``maildir:DIR`` and the like.

Parsing touches no disk and no network, so that a configuration can be checked anywhere.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pillarbox.fetch.command_words import words_of
from pillarbox.fetch.destinations.contract import Destination, Owner
from pillarbox.fetch.errors import InvalidDestination

_LAST_PORT = 65535


class _Kind(NamedTuple):
    """A row of the table."""

    example: str
    normalise: Callable[[str, Path], str]
    """Relative paths start from the second. Raises ValueError with what is wrong."""
    open: Callable[[str, Owner], Destination]


def _path(text: str, base: Path) -> str:
    return str((base / Path(text).expanduser()).absolute())


def _address(text: str, base: Path) -> str:
    """``HOST:PORT``, ``[IPV6]:PORT`` or ``unix:PATH``."""
    if text.startswith("unix:") and text != "unix:":
        return f"unix:{_path(text.removeprefix('unix:'), base)}"
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        raise ValueError(f'"{text}" is neither HOST:PORT nor unix:PATH')
    return text


def _words(text: str, _base: Path) -> str:
    if not words_of(text):
        raise ValueError("the command is empty")
    return text


# Each imports its own only: a run uses one or two, and a poll with nothing new should cost
# next to nothing.


def _maildir(place: str, owner: Owner) -> Destination:
    from pillarbox.fetch.destinations.maildir import MaildirDestination  # noqa: PLC0415 - above

    return MaildirDestination(Path(place), owner)


def _mbox(place: str, owner: Owner) -> Destination:
    from pillarbox.fetch.destinations.mbox import MboxDestination  # noqa: PLC0415 - above

    return MboxDestination(Path(place), owner)


def _mh(place: str, owner: Owner) -> Destination:
    from pillarbox.fetch.destinations.mh import MhDestination  # noqa: PLC0415 - above

    return MhDestination(Path(place), owner)


def _lmtp(place: str, owner: Owner) -> Destination:
    from pillarbox.fetch.destinations.lmtp import LmtpDestination  # noqa: PLC0415 - above

    if place.startswith("unix:"):
        return LmtpDestination(place.removeprefix("unix:"), 0, owner)
    host, _, port = place.rpartition(":")
    return LmtpDestination(host.strip("[]"), int(port), owner)


def _command(place: str, owner: Owner) -> Destination:
    from pillarbox.fetch.destinations.command import CommandDestination  # noqa: PLC0415 - above

    return CommandDestination(place, owner)


# fmt: off
_KINDS = {
    "maildir": _Kind("maildir:DIR", _path, _maildir),
    "mbox":    _Kind("mbox:FILE", _path, _mbox),
    "mh":      _Kind("mh:DIR", _path, _mh),
    "lmtp":    _Kind("lmtp:HOST:PORT or lmtp:unix:PATH", _address, _lmtp),
    "command": _Kind("command:CMD", _words, _command),
}
# fmt: on


class Target(NamedTuple):
    """A destination by name. ``str(target)`` is what the journal notes; it can be parsed."""

    kind: str
    place: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.place}"

    def open(self, owner: Owner) -> Destination:
        """The destination, at work for *owner*. It does nothing before ``prepare``."""
        # A spool of its own: what one destination has left half done, another cannot finish.
        mark = hashlib.sha256(os.fsencode(str(self))).hexdigest()[:8]
        spool = owner.spool / f"{self.kind}-{mark}"
        return _KINDS[self.kind].open(self.place, owner._replace(spool=spool))


def parse_destination(text: str, base: Path | None = None) -> Target:
    """Understand *text*. ``~`` is the user's home; relative paths start from *base*, or from
    the working directory.

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
        return Target(kind, row.normalise(place, base or Path()))
    except (ValueError, RuntimeError) as error:  # RuntimeError: a home that is not known
        raise _invalid(text, str(error)) from None


def _invalid(text: str, what: str) -> InvalidDestination:
    known = ", ".join(row.example for row in _KINDS.values())
    return InvalidDestination(f'destination "{text}": {what}; give one of {known}')
