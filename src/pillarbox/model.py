"""The nouns that every floor shares.

message-number
    1, 2, 3 …: a message's place in one session (RFC 1939, section 5). Fixed when the
    maildrop is opened, never shifted by a deletion.
unique-id
    1 to 70 characters of 0x21 to 0x7E that name a message for ever (RFC 1939, section 7,
    UIDL). Never reused.
octets
    The size that STAT, LIST and RETR report: every line end counts as two (CRLF), the
    bytes added by dot-stuffing do not count (RFC 1939, section 11).
stored bytes
    The size of the *stored form*: CRLF line ends, dot-stuffed, without the terminating
    ``.``. What RETR sends.
view
    One device's eyes on a maildrop: what the device has deleted is gone for it, and for
    nobody else. Every maildrop has the view ``default``, which the account's own password
    opens; each device adds one, named as the device is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

DEFAULT_VIEW = "default"


class Identity(NamedTuple):
    """Who has signed in, and through which view."""

    user: str
    """The account's name, normalised."""
    view: str = DEFAULT_VIEW


class MessageInfo(NamedTuple):
    """What LIST and UIDL say of one message."""

    number: int
    """Message-number, from 1."""
    octets: int
    unique_id: str


class Column(StrEnum):
    """Which field of :class:`MessageInfo` one of the two listings is made of."""

    OCTETS = "octets"
    """LIST, the scan listing (RFC 1939, section 5)."""
    UNIQUE_ID = "unique_id"
    """UIDL, the unique-id listing (section 7)."""


@dataclass(frozen=True, slots=True)
class StoredForm:
    """A whole message in the form in which it is kept and sent.

    Made once, at delivery, by :func:`pillarbox.wire.canonical.stored_form`; every engine
    keeps ``data`` as it is and RETR copies it.
    """

    data: bytes
    """CRLF line ends, dot-stuffed, ends in CRLF unless empty, no terminating dot line."""
    octets: int
    """Size with CRLF counted and stuffing not."""
    international: bool = False
    """Header fields are UTF-8 (RFC 6532): sent only to a client in UTF8 mode (RFC 6856)."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One maildrop that a message is to be put into."""

    user: str
    quota_octets: int = 0
    """Refuse when the maildrop would hold more octets than this; 0: no quota."""
