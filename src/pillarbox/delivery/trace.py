"""The fields that final delivery puts in front of a message, and those it takes away.

``Return-Path`` (RFC 5321, section 4.4) holds MAIL FROM's address; there is exactly one, so
those that the message brings along are removed. ``Received`` says from whom, by whom, how,
for whom and when. Nothing else of the message is touched.

What a peer says (its HELO name, addresses) ends up in these fields. Addresses come checked
from :mod:`pillarbox.delivery.address`; the HELO name is whatever a client sent, and only
characters that can neither end a line nor open a comment get through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from pillarbox.delivery.replies import HEADER_TOO_LARGE, Refused

_HEADER_END = re.compile(rb"\n\r?\n")
# A field with its folded lines. A bare LF ends a line too: it will be CRLF when stored.
_RETURN_PATH = re.compile(
    rb"^return-path[ \t]*:.*(?:\n[ \t].*)*(?:\n|\Z)", re.IGNORECASE | re.MULTILINE
)
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_NOT_A_NAME_CHARACTER = re.compile(r"[^A-Za-z0-9.:_\[\]-]")

LONGEST_NAME = 255
"""RFC 5321, section 4.5.3.1.2: what of a HELO name is kept."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One reception of one message, as ``Received`` reports it."""

    helo: str
    """What the client called itself; not trusted."""
    peer: str
    """Its address, or ``unix``."""
    hostname: str
    protocol: str
    """``ESMTPS``, ``LMTP``, … (RFC 3848; RFC 6531, section 4.3)."""
    identifier: str
    moment: datetime
    recipient: str | None
    """Named only when there is one: several would tell each other of each other."""
    cipher: str | None = None


def fields(sender: str, hop: Hop) -> bytes:
    """``Return-Path`` and ``Received``, ready to stand in front of a message."""
    secured = f"\r\n\t({hop.cipher})" if hop.cipher else ""
    recipient = f"\r\n\tfor <{hop.recipient}>" if hop.recipient else ""
    return (
        f"Return-Path: <{sender}>\r\n"
        f"Received: from {clean_name(hop.helo)} ({_literal(hop.peer)})\r\n"
        f"\tby {hop.hostname} with {hop.protocol} id {hop.identifier}{secured}{recipient};\r\n"
        f"\t{format_datetime(hop.moment)}\r\n"
    ).encode()


def clean_name(name: str) -> str:
    """A HELO name with nothing in it that has a meaning in a header field."""
    return _NOT_A_NAME_CHARACTER.sub("?", name[:LONGEST_NAME]) or "unknown"


def _literal(peer: str) -> str:
    """RFC 5321, section 4.1.3: an address literal; a comment for a socket in the file system."""
    if ":" in peer:
        return f"[IPv6:{peer}]"
    return f"[{peer}]" if peer[:1].isdigit() else peer


def split_header(content: bytes, most: int) -> tuple[bytes, bytes]:
    """The header block and the rest, which begins with the empty line if there is one.

    Raises:
        Refused: the header is larger than *most* octets.
    """
    if content.startswith((b"\r\n", b"\n")):
        return b"", content
    found = _HEADER_END.search(content, 0, most + 3)
    end = found.start() + 1 if found else len(content)
    if end > most:
        raise Refused(HEADER_TOO_LARGE)
    return content[:end], content[end:]


def without_return_path(header: bytes) -> bytes:
    """*header* less its ``Return-Path`` fields."""
    return _RETURN_PATH.sub(b"", header)


def hops(header: bytes) -> int:
    """How many times the message has been received before."""
    return len(_RECEIVED.findall(header))
