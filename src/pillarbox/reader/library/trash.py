"""Since when messages are in Trash, so that they go after so many days there.

Kept in a file of its own. A message that it does not know is there from now on: what is uncertain is kept longer,
never shorter. Nor is one look enough, as a clock may be wrong by years for an hour: what is to go has to have been there for all
but one of the days at a look of at least a day before. While the file cannot be read nothing is written to it, and nothing goes.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Collection, Iterable
from pathlib import Path

from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.library import kept

DAY = 24 * 3600.0
"""Seconds."""
EARLIEST = 1_767_225_600.0
"""POSIX time, the beginning of 2026: no clock that is right says less. A machine without a battery begins in 1970 and
is told the time later, at which all that was noted until then would have been in Trash for ages.
"""

_log = logging.getLogger("pillarbox.reader")


class TrashTimes:
    """The file *path*: base names, and POSIX times."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.problem = ""
        """Why the file cannot be read, and what to do; whole sentences. Empty: it can."""
        self._looked = math.inf
        """The last look, but for those within a day after it; infinite: there has been none."""
        self._since = self._load()

    def expired(self, bases: Iterable[str], days: float, now: float) -> set[str]:
        """Which of *bases*, all that are in Trash, have been there for *days*. Others are forgotten. None, and nothing is
        noted, while the clock is not set, or the file cannot be read.

        Raises:
            LibraryUnusable: the file cannot be written.
        """
        if now < EARLIEST or self.problem:
            return set()
        with self._lock:
            # A time to come is that of a clock that was wrong.
            since = {base: min(self._since.get(base, now), now) for base in bases}
            looked = min(self._looked, now)
            again = now - looked >= DAY
            self._keep(since, now if again else looked)
            long_before = looked - (days - 1) * DAY if again else -math.inf
            return {
                base
                for base, start in since.items()
                if now - start >= days * DAY and start <= long_before
            }

    def forget(self, bases: Collection[str]) -> None:
        """They have left Trash, or are on their way: who comes back stays for all the days again.

        Raises:
            LibraryUnusable: the file cannot be written.
        """
        with self._lock:
            gone = set(bases)
            since = {base: at for base, at in self._since.items() if base not in gone}
            self._keep(since, self._looked)

    def _keep(self, since: dict[str, float], looked: float) -> None:
        if (since, looked) != (self._since, self._looked) and not self.problem:
            known = {} if looked == math.inf else {"looked": looked}
            kept.save(self._path, {"since": since} | known)
            self._since, self._looked = since, looked

    def _load(self) -> dict[str, float]:
        try:
            found = kept.load(self._path)
            pairs = {} if found is None else found["since"]
            self._looked = math.inf if found is None else float(found.get("looked", math.inf))
            return {str(base): float(at) for base, at in pairs.items()}
        except LibraryUnusable as error:
            return self._none(error)
        except (ValueError, TypeError, KeyError, AttributeError):
            try:
                kept.set_aside(self._path)
            except LibraryUnusable as error:
                return self._none(error)
            return {}  # all are there from now on

    def _none(self, error: LibraryUnusable) -> dict[str, float]:
        self.problem = (
            f"It cannot be read since when messages are in Trash, so it is not emptied by itself. {error} End Pillarbox, put a "
            f"copy from a backup in the place of {self._path} or move it away, and start again."
        )
        _log.warning(self.problem)
        return {}
