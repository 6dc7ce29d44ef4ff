"""Servers that are different, how to tell them, and what for.

To add a quirk, add its name and a row. A quirk that shows by itself in a dialogue needs no
row: what every server may do (odd line ends, ``+OK`` for ``+``, silence on CAPA) is dealt
with where it shows.
"""

from __future__ import annotations

import re
from enum import StrEnum, auto
from typing import NamedTuple


class Quirk(StrEnum):
    """Something in which a server differs: dealt with here, or to be seen to by the caller."""

    TWO_STEP_AUTH = auto()
    """An initial response behind AUTH fails: send it when it is asked for."""
    PORTIONS = auto()
    """A session shows part of the mailbox: come back until nothing is new."""
    READ_IS_GONE = auto()
    """What was retrieved is not listed again, though nothing was deleted: store it before QUIT."""
    IMPATIENT = auto()
    """Hangs up after about a minute without a command: NOOP while something takes long."""


class Sign(StrEnum):
    """What a server is told by."""

    HOST = auto()
    GREETING = auto()


class Row(NamedTuple):
    """A row of the table."""

    sign: Sign
    pattern: str
    """A regular expression that is found in it."""
    quirks: frozenset[Quirk]


_MICROSOFT = frozenset({Quirk.TWO_STEP_AUTH, Quirk.IMPATIENT})
_GMAIL = frozenset({Quirk.PORTIONS, Quirk.READ_IS_GONE})

# fmt: off
_TABLE = (
    # Microsoft 365 and Exchange answer "-ERR Protocol error" to AUTH with an initial response,
    # and drop a session after about 60 seconds of silence.
    Row(Sign.HOST,     r"(^|\.)(outlook|office365|hotmail|live)\.com$",  _MICROSOFT),
    Row(Sign.GREETING, r"Microsoft Exchange",                            _MICROSOFT),
    # Gmail lists about 250 of the oldest messages a session, and hides what was retrieved.
    Row(Sign.HOST,     r"(^|\.)(gmail|googlemail)\.com$",                _GMAIL),
    Row(Sign.GREETING, r"^Gpop ready",                                   _GMAIL),
)
# fmt: on


def quirks_of(host: str, greeting: str) -> frozenset[Quirk]:
    """The quirks of the server at *host*, which greets with *greeting*."""
    signs = {Sign.HOST: host, Sign.GREETING: greeting}
    found = [row.quirks for row in _TABLE if re.search(row.pattern, signs[row.sign], re.IGNORECASE)]
    return frozenset[Quirk]().union(*found)
