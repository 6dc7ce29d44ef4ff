"""What a message needs of a server, and how addresses are written for it (RFC 5321, RFC 6531, RFC 6152)."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import NamedTuple

from pillarbox.domains import comparable

_LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_NEVER = re.compile(r"[\s<>]")
_SEVEN_BITS = policy.compat32.clone(cte_type="7bit", linesep="\r\n", max_line_length=None)


class Needs(NamedTuple):
    """Of a message, whoever it is for."""

    octets: int
    utf8_header: bool
    """Its header has octets that only SMTPUTF8 lets through."""
    eight_bits: bool
    """Its body has."""


def needs_of(message: bytes) -> Needs:
    """What *message* needs."""
    header, _, body = message.partition(b"\r\n\r\n")
    return Needs(len(message), not header.isascii(), not body.isascii())


def in_lines(message: bytes) -> bytes:
    """*message* with no line end but CRLF, and with one at its end.

    Lone ones may be the end of the message to one server and not to the next (RFC 5321, section 2.3.8).
    """
    whole = _LONE.sub(b"\r\n", message)
    return whole if whole.endswith(b"\r\n") else whole + b"\r\n"


def in_seven_bits(message: bytes) -> bytes:
    """*message* with all parts encoded for a server that takes only ASCII (RFC 6152, section 3)."""
    return in_lines(
        message_from_bytes(message, policy=policy.compat32).as_bytes(policy=_SEVEN_BITS)
    )


def mailbox(address: str) -> str:
    """*address* as it stands in MAIL and RCPT; the domain in A-labels.

    Raises:
        ValueError: nothing like it can.
    """
    local, at, domain = address.rpartition("@")
    quoted = local.startswith('"') and local.endswith('"')
    if (
        not (local and at and domain and address.isprintable())
        or _NEVER.search(domain)
        or (not quoted and _NEVER.search(local))
    ):
        raise ValueError("is not a mail address")
    literal = domain.startswith("[")
    return f"{local}@{domain if literal else comparable(domain)}"
