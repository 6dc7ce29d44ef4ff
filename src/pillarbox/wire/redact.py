"""Transcripts without secrets: what a line may look like in a log.

The command table knows which commands carry a password or something that stands for one;
inside an AUTH exchange every line of the client does.
"""

from __future__ import annotations

from pillarbox.wire.commands import RULES
from pillarbox.wire.states import State

HIDDEN = "****"
_MAX_SHOWN = 100


def redact(line: bytes, state: State) -> str:
    """One line from a client, fit for a log: secrets hidden, bounded, printable ASCII."""
    if state is State.SASL:
        return HIDDEN
    keyword, space, rest = line.rstrip(b"\r\n").partition(b" ")
    rule = RULES.get(keyword.upper())
    if rule is None:  # perhaps a password sent out of step
        return HIDDEN
    if rule.secret and space:
        shown = rest.partition(b" ")[0] if rule.verb != "PASS" else b""
        return f"{rule.verb} {_printable(shown)} {HIDDEN}".replace("  ", " ")
    return _printable(keyword + space + rest)


def _printable(octets: bytes) -> str:
    text = octets[:_MAX_SHOWN].decode("ascii", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
