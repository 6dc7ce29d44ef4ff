"""Status lines, as a client reads them: the indicator, the response code, the text.

============================== =========== ====================================================
what comes                     read as     why
============================== =========== ====================================================
``+OK``, ``-ERR``              what it is  RFC 1939, section 3
small letters                  the same    written by hand; nothing else it could be
``+ERR``                       ``-ERR``    seen; whoever writes ERR does not mean OK
``+`` alone, or with a space   a challenge RFC 5034, section 4; only inside AUTH
``[CODE]`` that is unknown     its parent  RFC 2449, section 8: ``[SYS/TEMP/DISK]``, ``[SYS/TEMP]``
anything else, an empty line   nothing     a body that is read as replies looks like this
============================== =========== ====================================================
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pillarbox.wire.replies import Code
from pillarbox.wire.states import Outcome

_INDICATOR = re.compile(rb"(\+OK|[+-]ERR)(?![0-9A-Z])[ \t]*", re.IGNORECASE)
_CODE = re.compile(rb"\[([!-Z^-~]+)\][ \t]*")
_CODES = {code.value.encode(): code for code in Code}


class StatusLine(NamedTuple):
    """A status line in its parts."""

    outcome: Outcome
    code: Code | None
    octets: bytes
    """What stands behind the indicator and a known code; of a challenge, its base64."""


def parse_status(line: bytes, *, challenges: bool = False) -> StatusLine | None:
    """Understand a line, given without its line end; None when it is no status line.

    *challenges*: an AUTH exchange is under way, in which ``+`` is one.
    """
    if challenges and (line == b"+" or line.startswith(b"+ ")):
        return StatusLine(Outcome.CHALLENGE, None, line[2:].strip())
    indicator = _INDICATOR.match(line)
    if indicator is None:
        return None
    outcome = Outcome.OK if indicator[1].upper() == b"+OK" else Outcome.ERR
    rest = line[indicator.end() :]
    if rest.startswith(b"[") and (bracketed := _CODE.match(rest)):
        code = _known(bracketed[1].upper())
        return StatusLine(outcome, code, rest[bracketed.end() :] if code else rest)
    return StatusLine(outcome, None, rest)


def _known(name: bytes) -> Code | None:
    while name:
        if name in _CODES:
            return _CODES[name]
        name = name.rpartition(b"/")[0]
    return None


def readable(octets: bytes) -> str:
    """A server's text for people: what is not printable (it may steer a terminal) shows as �."""
    text = octets.decode("utf-8", "replace")
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)
