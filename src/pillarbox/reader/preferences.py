"""What the user has set, in a file of its own beside the mail."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict, fields, replace
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from pillarbox.durable import replace_file
from pillarbox.reader.errors import BadSetting, LibraryUnusable
from pillarbox.reader.model import Settings

MAX_OCTETS = 1 << 20
"""A larger file was not written here."""

_log = logging.getLogger("pillarbox.reader")


class Bounds(NamedTuple):
    """Of a number."""

    least: float
    most: float
    what: str
    """The beginning of a sentence about it."""


BOUNDS = {
    "trash_days": Bounds(0, 3650, "The days after which Trash is emptied"),
    "hold_seconds": Bounds(0, 120, "The seconds in which a sent message can be taken back"),
    # The shortest is that of `pillarbox fetch`; who asks less often than once a day has no schedule.
    "interval_seconds": Bounds(15, 86_400, "The seconds between two collections"),
}


class Preferences:
    """The file *path*. Blocking; from any thread."""

    def __init__(self, path: Path) -> None:
        """A damaged file is set aside, and all is as it was at first.

        Raises:
            LibraryUnusable: it cannot be read.
        """
        self._path = path
        self._turn = Lock()
        self.settings = Settings()
        """The same object as long as the reader runs: who has it sees changes."""
        _put(self.settings, self._load())

    @property
    def folder(self) -> Path:
        """The library's."""
        return self._path.parent

    def change(self, **values: Any) -> None:
        """Set these; durable on return.

        Raises:
            BadSetting: one is out of bounds; nothing is changed.
            LibraryUnusable: the file cannot be written; nothing is changed.
        """
        with self._turn:
            changed = replace(self.settings, **values)
            check(changed)
            text = json.dumps(asdict(changed), indent=1)
            try:
                replace_file(self._path, text.encode())
            except OSError as error:
                raise LibraryUnusable(
                    f"The settings could not be kept: {error.strerror}. They are as they were. Make room on "
                    f"the disk, or make {self.folder} writable, and save them again."
                ) from None
            _put(self.settings, changed)

    def _load(self) -> Settings:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_OCTETS + 1)
        except FileNotFoundError:
            return Settings()
        except OSError as error:
            raise LibraryUnusable(f"{self._path} cannot be read: {error.strerror}.") from None
        try:
            return _parsed(content)
        except (ValueError, TypeError, OverflowError, RecursionError, BadSetting):
            aside = self._path.with_name(f"{self._path.name}.damaged")
            self._path.replace(aside)
            _log.warning("the settings were damaged and are as at first; the old file is %s", aside)
            return Settings()


def check(settings: Settings) -> None:
    """Raises BadSetting."""
    for name, bounds in BOUNDS.items():
        value = getattr(settings, name)
        if not math.isfinite(value) or not bounds.least <= value <= bounds.most:
            raise BadSetting(f"{bounds.what} are a number from {bounds.least} to {bounds.most:,}.")


def _parsed(content: bytes) -> Settings:
    """Keys of a newer version are left out; those of an older one are completed."""
    if len(content) > MAX_OCTETS:
        raise ValueError("too large")
    found = json.loads(content)
    if not isinstance(found, dict):
        raise TypeError
    settings = Settings()
    for name, first in asdict(settings).items():
        value = found.get(name, first)
        if isinstance(first, bool) != isinstance(value, bool):
            raise TypeError(name)
        setattr(settings, name, type(first)(value))
    check(settings)
    return settings


def _put(into: Settings, settings: Settings) -> None:
    for field in fields(settings):
        setattr(into, field.name, getattr(settings, field.name))
