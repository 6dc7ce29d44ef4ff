"""Accounts and a library for tests of what is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pillarbox.reader.errors import NoSuchMessage
from pillarbox.reader.model import NOBODY, Contact, Folder, Identity, MessageKey, Row

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
WORK = Identity("work", "max@work.example", "Max Müller", "Max\nWork Ltd")
HOME = Identity("home", "max@home.example", "Max")


class FixedAccounts:
    """As :class:`pillarbox.reader.contracts.Accounts`, as far as writing and its pages need it."""

    kept = (Path("accounts.toml"),)

    def __init__(self, *identities: Identity) -> None:
        self.have(*identities)

    def have(self, *identities: Identity) -> None:
        """From now on there are these."""
        self._identities = {one.account: one for one in identities}

    def names(self) -> Sequence[str]:
        return tuple(self._identities)

    def identity(self, account: str) -> Identity:
        return self._identities[account]


@dataclass
class Shelf:
    """As :class:`pillarbox.reader.contracts.Library`, as far as writing needs it."""

    messages: dict[str, tuple[Folder, bytes]] = field(default_factory=dict)

    def put(self, key: str, message: bytes, folder: str = "Inbox/work") -> MessageKey:
        self.messages[key] = (Folder(folder), message)
        return MessageKey(key)

    def find(self, key: MessageKey) -> Row:
        if key not in self.messages:
            raise NoSuchMessage("It is not there any more.")
        return Row(key, self.messages[key][0], "", NOBODY, (), NOW, "", 0)

    def read(self, key: MessageKey) -> bytes:
        self.find(key)
        return self.messages[key][1]

    def correspondents(self, beginning: str, count: int) -> Sequence[Contact]:
        known = [Contact("Bob", "bob@x.example"), Contact("Byron, George", "byron@x.example")]
        return [one for one in known if one.address.startswith(beginning.lower())][:count]
