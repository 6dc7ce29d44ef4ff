"""Messages for the index: as files, and as what is known of them."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pillarbox.reader.mail.summary import Summary
from pillarbox.reader.model import Correspondent, Entry, Flag, Folder, MessageKey, Page

WORK, HOME = Folder("Inbox/work"), Folder("Inbox/home")
ARCHIVE, SENT, TRASH = Folder("Archive"), Folder("Sent"), Folder("Trash")
ALICE = Correspondent("Alice Zürich", "alice@example.org")
BOB = Correspondent("Bob", "bob@example.net")
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
ARRIVED = NOW.timestamp()
DAY = 86_400


def key_of(base: str) -> MessageKey:
    digest = hashlib.blake2b(os.fsencode(base), digest_size=16).digest()
    return MessageKey(base64.urlsafe_b64encode(digest).decode().rstrip("="))


def entry(base: str, folder: Folder = WORK, flags: str = "", **more: Any) -> Entry:
    return Entry(folder, base, frozenset(map(Flag, flags)), **more)


def summary(text: str = "", *, days_ago: float = 0, **more: Any) -> Summary:
    """A message of so many days ago; anything else as in :class:`Summary`."""
    when = datetime.fromtimestamp(ARRIVED - days_ago * DAY, UTC)
    given: dict[str, Any] = {"sender": ALICE, "to": (BOB,), "date": when, "octets": 1000}
    return Summary(**{**given, "text": text, "opening": text[:200], **more})


def bases(page: Page, names: Iterable[str]) -> list[str]:
    """Which messages are on a page, by base name."""
    by_key = {key_of(name): name for name in names}
    return [by_key[row.key] for row in page.rows]
