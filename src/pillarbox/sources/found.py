"""What a source of mail yields, and what it promises.

A source is an iterable that is read once. It never raises for one message: that becomes
a :class:`Found` with a problem. It raises :class:`SourceUnusable` when nothing more can
be read from it at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pillarbox.contracts.errors import PillarboxError

# One message is held in memory, in a few copies. No mail system passes on larger ones.
MAX_MESSAGE_OCTETS = 512 * 1024 * 1024


class SourceUnusable(PillarboxError):
    """The source is not what it was taken for, or cannot be read; says which and why."""


@dataclass(frozen=True, slots=True)
class Found:
    """One message of a source."""

    label: str
    """What to call it in a message to the operator: a file's name, a line of an mbox."""
    raw: bytes | None
    """The message, with the line ends that it has there; None: it cannot be read."""
    problem: str = ""
    """Why not."""
    units: int = 1
    """How far this takes the import, of the source's ``total``."""
    flags: str | None = None
    """Letters as in a Maildir's file names; None: the source does not say."""


class Source(Protocol):
    """A Maildir or an mbox, opened."""

    total: int
    """The sum of all ``Found.units``, as far as known beforehand."""
    notes: tuple[str, ...]
    """What the operator should know before: left-out folders, unique-ids not kept."""

    def __iter__(self) -> Iterator[Found]: ...

    def close(self) -> None:
        """Let go of it; may be called at any time, and twice."""


_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"CRYPTED\x03\x07": "Dovecot's mail-crypt plugin",
}


def trouble_with(raw: bytes) -> str:
    """Why *raw* is not a message, or nothing."""
    if not raw.strip():
        return "is empty"
    for magic, name in _COMPRESSED.items():
        if raw.startswith(magic):
            return f"is packed with {name}; unpack it first"
    return ""
