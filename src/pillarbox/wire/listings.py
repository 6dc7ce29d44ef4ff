"""What STAT, LIST, UIDL and CAPA say, read as tolerantly as is safe.

Real servers bend these lines; a mailbox must not be out of reach for it. Nothing is guessed,
though: a line of which no message-number can be read is counted as junk and left out, so that
a caller can see that a listing is not whole.

=================================== ========================== ==============================
what comes                          what is made of it         why
=================================== ========================== ==============================
several spaces or tabs              one separator              written with columns
LF alone; spaces around the line    a line end; dropped        written by hand
an empty line                       dropped                    as above
octets negative                     0: unknown                 a counter of 32 bits ran over
octets beyond 63 bits               0: unknown                 nothing is so large, nor stored so
octets missing, or no number        0: unknown                 only the progress bar needs them
words behind the octets             dropped                    RFC 1939, 5: "discouraged"
unique-id missing                   empty                      the caller has other ways
unique-id over 70, or odd octets    kept, a character an octet equal is all it has to be
number missing, 0, or too long      junk                       which message is not to be known
CAPA in small letters               capitals                   keywords are case-insensitive
=================================== ========================== ==============================

RFC 1939, sections 5 and 7; RFC 2449, sections 3 and 5.
"""

from __future__ import annotations

from typing import NamedTuple

from pillarbox.wire.errors import RemoteProtocolError

MAX_NUMBER_DIGITS = 10
"""Digits of a message-number: as on the server's side, no maildrop has ten thousand million."""

MAX_OCTETS = 2**63 - 1
"""Of a size: as much as any file system or database counts."""
MAX_OCTETS_DIGITS = len(str(MAX_OCTETS))


class Stat(NamedTuple):
    """The drop listing: how much there is (RFC 1939, section 5, STAT)."""

    count: int  # type: ignore[assignment] # hides tuple.count, which nobody needs here
    octets: int
    """0 when the server said nothing that makes sense."""


class Scan(NamedTuple):
    """The scan listing of one message (RFC 1939, section 5, LIST)."""

    number: int
    octets: int
    """For a progress bar, never a proof: servers count differently. 0: unknown."""


class UniqueId(NamedTuple):
    """The unique-id listing of one message (RFC 1939, section 7, UIDL)."""

    number: int
    unique_id: str
    """One character an octet; empty when the server gave none."""


class Scans(NamedTuple):
    """A LIST of all."""

    entries: list[Scan]
    junk: int
    """Lines that could not be understood."""


class UniqueIds(NamedTuple):
    """A UIDL of all."""

    entries: list[UniqueId]
    junk: int
    """Lines that could not be understood."""


def parse_stat(text: bytes) -> Stat:
    """The reply to STAT, behind its ``+OK``.

    Raises:
        RemoteProtocolError: it does not begin with a number, so it is no drop listing.
    """
    words = text.split(None, 2)
    if not words or not _is_number(words[0], MAX_NUMBER_DIGITS):
        raise RemoteProtocolError("the reply to STAT does not begin with a number of messages")
    return Stat(int(words[0]), _octets(words[1]) if len(words) > 1 else 0)


def parse_scan(text: bytes) -> Scan:
    """The reply to LIST with a message-number, behind its ``+OK``.

    Raises:
        RemoteProtocolError: it does not begin with a message-number.
    """
    scan = _scan(text)
    if scan is None:
        raise RemoteProtocolError("the reply to LIST does not begin with a message-number")
    return scan


def parse_unique_id(text: bytes) -> UniqueId:
    """The reply to UIDL with a message-number, behind its ``+OK``.

    Raises:
        RemoteProtocolError: it does not begin with a message-number.
    """
    unique_id = _unique_id(text)
    if unique_id is None:
        raise RemoteProtocolError("the reply to UIDL does not begin with a message-number")
    return unique_id


def parse_scans(content: bytes) -> Scans:
    """The content of the reply to LIST without an argument."""
    lines = _lines(content)
    entries = [scan for scan in map(_scan, lines) if scan is not None]
    return Scans(entries, len(lines) - len(entries))


def parse_unique_ids(content: bytes) -> UniqueIds:
    """The content of the reply to UIDL without an argument."""
    lines = _lines(content)
    entries = [entry for entry in map(_unique_id, lines) if entry is not None]
    return UniqueIds(entries, len(lines) - len(entries))


def parse_capabilities(content: bytes) -> dict[str, tuple[str, ...]]:
    """The content of the reply to CAPA: what is announced, in capitals, and its arguments.

    A keyword that comes twice has the arguments of both.
    """
    announced: dict[str, list[str]] = {}
    for line in _lines(content):
        keyword, *arguments = (word.decode("utf-8", "replace") for word in line.split())
        announced.setdefault(keyword.upper(), []).extend(arguments)
    return {name: tuple(arguments) for name, arguments in announced.items()}


def _lines(content: bytes) -> list[bytes]:
    return [line for line in content.split(b"\n") if line and not line.isspace()]


def _is_number(word: bytes, digits: int) -> bool:
    return word.isdigit() and len(word) <= digits


def _message_number(word: bytes) -> int:
    """0 when it is none."""
    return int(word) if _is_number(word, MAX_NUMBER_DIGITS) else 0


def _octets(word: bytes) -> int:
    octets = int(word) if _is_number(word, MAX_OCTETS_DIGITS) else 0
    return octets if octets <= MAX_OCTETS else 0


def _scan(line: bytes) -> Scan | None:
    words = line.split(None, 2)
    number = _message_number(words[0]) if words else 0
    if not number:
        return None
    return Scan(number, _octets(words[1]) if len(words) > 1 else 0)


def _unique_id(line: bytes) -> UniqueId | None:
    words = line.split(None, 1)
    number = _message_number(words[0]) if words else 0
    if not number:
        return None
    return UniqueId(number, words[1].rstrip().decode("latin-1") if len(words) > 1 else "")
