"""Where a key set is: in a file, or at a URL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pillarbox.app.config.addresses import home_expanded


class KeyPlace:
    """A :class:`KeysInFile` or :class:`KeysAtUrl`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class KeysInFile(KeyPlace):
    """A file of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class KeysAtUrl(KeyPlace):
    """As somebody wrote it."""

    url: str

    def __str__(self) -> str:
        return self.url


def parse_key_place(text: str, base: Path) -> KeyPlace:
    """The place that *text* says; a relative path is taken from *base*.

    Raises:
        ValueError: it is none.
    """
    if "://" in text:
        return KeysAtUrl(text)
    if not text or "\0" in text:
        raise ValueError(f'"{text}" is neither a path nor a URL')
    return KeysInFile(base / home_expanded(text))
