"""What the user has set, in a file of its own beside the mail."""

from __future__ import annotations

import json
import logging
import math
from contextlib import suppress
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

_TRASH, _NEVER = "trash_days", 0


class Preferences:
    """The file *path*. Blocking; from any thread."""

    def __init__(self, path: Path, *, expected: bool = False) -> None:
        """What is damaged in it is as at first, but Trash is not emptied by itself: who had said "never" must not lose
        mail for it. The file stays as it is until settings are saved, so the next start finds the same.

        One that cannot be read at all is as a damaged one, and nothing can be set.

        Args:
            path: in the library's folder.
            expected: there has been one; if there is none any more it counts as damaged.
        """
        self._path = path
        self._turn = Lock()
        self.problem = ""
        """What is wrong with the file, and what to do; whole sentences. Empty: nothing."""
        self.unreadable = False
        """So far that it cannot even be read: nothing is written to it."""
        self.settings = Settings()
        """The same object as long as the reader runs: who has it sees changes."""
        _put(self.settings, self._load(expected=expected))

    @property
    def folder(self) -> Path:
        """The library's."""
        return self._path.parent

    def change(self, **values: Any) -> None:
        """Set these; durable on return. A damaged file is kept under another name.

        Raises:
            BadSetting: one is out of bounds; nothing is changed.
            LibraryUnusable: the file cannot be written, or could not be read; nothing is changed.
        """
        if self.unreadable:
            raise LibraryUnusable(self.problem)
        with self._turn:
            changed = replace(self.settings, **values)
            check(changed)
            text = json.dumps(asdict(changed), indent=1)
            try:
                if self.problem and self._path.exists():
                    replace_file(self._aside(), self._path.read_bytes())
                replace_file(self._path, text.encode())
            except OSError as error:
                raise LibraryUnusable(
                    f"The settings could not be kept: {error.strerror}. They are as they were. Make room on "
                    f"the disk, or make {self.folder} writable, and save them again."
                ) from None
            _put(self.settings, changed)
            self.problem = ""

    def begin(self) -> None:
        """Write the file if there has never been one, so that it is missed when it is gone. Where that cannot be, it is
        written by the first change.
        """
        if not self.problem and not self._path.exists():
            with suppress(LibraryUnusable):
                self.change()

    def _load(self, *, expected: bool) -> Settings:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_OCTETS + 1)
        except FileNotFoundError:
            if not expected:
                return Settings()
            return self._cautious(
                f"The file with your settings, {self._path}, is not there any more"
            )
        except OSError as error:
            self.unreadable = True
            return self._cautious(
                f"The file with your settings, {self._path}, cannot be read: {error.strerror}"
            )
        try:
            settings, damaged = _parsed(content)
        except (ValueError, TypeError, RecursionError):
            return self._cautious(f"The file with your settings, {self._path}, is damaged")
        if damaged:
            self._say(
                f"In the file with your settings, {self._path}, these are damaged: {', '.join(damaged)}. They are as at "
                "first" + (", and Trash is not emptied by itself." if _TRASH in damaged else ".")
            )
        return settings

    def _cautious(self, what: str) -> Settings:
        self._say(f"{what}. So all is as at first, and Trash is not emptied by itself.")
        return Settings(trash_days=_NEVER)

    def _say(self, what: str) -> None:
        advice = (
            "None can be changed. End Pillarbox, give yourself the right to read the file or put a copy from a backup in its "
            "place, and start again."
            if self.unreadable
            else "Look through the settings and save them, or end Pillarbox, put a copy of the file back, and start again."
        )
        self.problem = f"{what} {advice}"
        _log.warning(what)

    def _aside(self) -> Path:
        """A name that nothing has."""
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.damaged-{number}")).exists():
            number += 1
        return aside


def check(settings: Settings) -> None:
    """Raises BadSetting."""
    for name in BOUNDS:
        _check(name, getattr(settings, name))


def _check(name: str, value: float) -> None:
    bounds = BOUNDS[name]
    if not math.isfinite(value) or not bounds.least <= value <= bounds.most:
        raise BadSetting(f"{bounds.what} are a number from {bounds.least} to {bounds.most:,}.")


def _parsed(content: bytes) -> tuple[Settings, list[str]]:
    """And which are damaged. Keys of a newer version are left out; those of an older one are completed.

    Raises:
        ValueError, TypeError or RecursionError: the whole is.
    """
    if len(content) > MAX_OCTETS:
        raise ValueError("too large")
    found = json.loads(content)
    if not isinstance(found, dict):
        raise TypeError
    settings = Settings()
    damaged = []
    for name, first in asdict(settings).items():
        if name not in found:
            continue
        try:
            setattr(settings, name, _understood(name, found[name], type(first)))
        except (ValueError, TypeError, OverflowError, BadSetting):
            damaged.append(name)
    if _TRASH in damaged:
        settings.trash_days = _NEVER
    return settings, damaged


def _understood(name: str, value: Any, kind: type) -> Any:
    if (kind is bool) != isinstance(value, bool):
        raise TypeError(name)
    value = kind(value)
    if name in BOUNDS:
        _check(name, value)
    return value


def _put(into: Settings, settings: Settings) -> None:
    for field in fields(settings):
        setattr(into, field.name, getattr(settings, field.name))
