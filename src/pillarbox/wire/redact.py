"""Transcripts without secrets: what a line may look like in a log.

The command table knows which commands carry a password or something that stands for one;
inside an AUTH exchange every line of the client does.
"""

from __future__ import annotations

from pillarbox.wire.commands import RULES
from pillarbox.wire.errors import CommandRefused
from pillarbox.wire.states import State

HIDDEN = "****"
_MAX_SHOWN = 100


def redact(line: bytes, state: State) -> str:
    """One line from a client, fit for a log: secrets hidden, bounded, printable ASCII."""
    if state is State.SASL:
        return HIDDEN
    keyword, space, rest = line.rstrip(b"\r\n").partition(b" ")
    rule = RULES.get(keyword.upper())
    if rule is None or not rest.isascii() or not rest.decode().isprintable():
        return HIDDEN  # perhaps a password out of step, or one behind a bare CR
    try:
        rule.parse(rule.verb, rest)
    except CommandRefused:  # a password where a number belongs, perhaps
        return f"{rule.verb} {HIDDEN}" if rest else str(rule.verb)
    if rule.secret and space:
        shown = rest.partition(b" ")[0] if rule.verb != "PASS" else b""
        return f"{rule.verb} {_shown(shown)} {HIDDEN}".replace("  ", " ")
    return _shown(keyword + space + rest)


def _shown(octets: bytes) -> str:
    return octets[:_MAX_SHOWN].decode("ascii")
