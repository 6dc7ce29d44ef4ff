"""The life of a message as the collector sees it, from the first listing to the last.

::

    SEEN ──► PUBLISHING ──► STORED ──► DELETING ──► GONE
      ▲          │             ▲           │          │
      └──────────┘             └───────────┴──────────┘
    not published          listed again: confirmed to be the same

The journal keeps one :class:`Known` for each unique-id of an account.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Stage(IntEnum):
    """How far a message has come. The numbers are in the journal's file: never change one."""

    SEEN = 0
    """Listed; nothing is kept of it yet."""
    PUBLISHING = 1
    """Staged whole and synced. Whether it has been published only the destination knows."""
    STORED = 2
    """Published, and it would survive a power cut."""
    DELETING = 3
    """DELE has been sent, or is about to be, in a session whose QUIT is not confirmed."""
    GONE = 4
    """The server has confirmed that it is deleted (QUIT, or a listing without it)."""


class Listed(NamedTuple):
    """One message in the listing of a session."""

    number: int
    """Message-number; means nothing outside the session."""
    unique_id: str
    """As the server says, or made by :mod:`pillarbox.fetch.identity`."""
    octets: int | None
    """Size as the server says (it may be wrong); None: it does not."""


class Known(NamedTuple):
    """What the journal knows of one message."""

    unique_id: str
    stage: Stage
    octets: int | None
    """Size in the listing when it was last looked at."""
    first_seen: float
    """Seconds since the epoch, like all times here."""
    stored_at: float | None
    digest: bytes | None
    """SHA-256 of the message as it was retrieved; from PUBLISHING on."""
    vanished: bool
    """Missing in the last listing."""
