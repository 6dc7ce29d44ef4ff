"""What the command line of ``pillarbox fetch`` asks for, understood.

The options are texts here, as they were typed; those that are settings of an account are read
by the very rows that read the file (:mod:`.keys`), and count for each account that is
collected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pillarbox.app.collecting.keys import KEYS
from pillarbox.app.collecting.layers import Layer, Said, contradictions, put
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.wording import show
from pillarbox.app.exits import CommandFailed, ExitCode
from pillarbox.fetch.watch import SHORTEST

PLACE = "pillarbox"
"""Where a fault of the command line stands."""

SETTINGS = tuple(key for key in KEYS if key not in {"url", "oauth2", "keep", "insecure_cleartext"})
"""Keys that are options with a value, too: ``max_size`` is ``--max-size``."""
FLAGS = (
    "password_stdin",
    "delete",
    "keep",
    "yes",
    "insecure_cleartext",
    "dry_run",
    "json",
)
"""Options without a value."""
OTHERS = ("state", "watch", "progress")
"""Options with a value that are about the command itself."""

PROGRESS = ("auto", "always", "never")
LONGEST_INTERVAL = 7 * 86_400.0
"""Seconds between two runs: more than a week is a slip."""


class Wish(NamedTuple):
    """The command line, taken apart and no more."""

    what: tuple[str, ...] = ()
    """Names of accounts, or one URL."""
    values: Mapping[str, str] = {}
    """Options with a value: some of SETTINGS and OTHERS."""
    flags: frozenset[str] = frozenset()
    """Options without: some of FLAGS."""
    config: Path | None = None
    """``--config``."""
    overrides: tuple[str, ...] = ()
    """``--set``."""
    debug: bool = False

    @property
    def url(self) -> str | None:
        """The one URL; None: accounts are meant.

        Raises:
            CommandFailed: it does not stand alone.
        """
        urls = [text for text in self.what if "://" in text]
        if not urls:
            return None
        if len(self.what) > 1:
            raise usage("give one URL, or names of accounts; not several, and not both")
        return urls[0]

    def layer(self) -> Layer:
        """What the options say about accounts.

        Raises:
            ConfigError: some of it cannot be meant.
        """
        layer: Layer = {}
        faults: list[Fault] = []
        for key in SETTINGS:
            if key in self.values:
                said = Said(self.values[key], _here, option(key))
                put(layer, key, said, Path(), faults, as_text=True)
        for flag, key, value in _FLAGS_THAT_SET:
            if flag in self.flags:
                layer[key] = Said(value, _here, option(flag))
        faults += contradictions(layer)
        if faults:
            raise ConfigError(faults)
        return layer

    @property
    def interval(self) -> float | None:
        """Seconds of ``--watch``; None: once is enough.

        Raises:
            CommandFailed: it is no such number.
        """
        text = self.values.get("watch")
        if text is None:
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not SHORTEST <= seconds <= LONGEST_INTERVAL:  # which no NaN is
            raise usage(
                f"--watch: {show(text)} will not do: give a number of seconds "
                f"from {SHORTEST:.0f} to {LONGEST_INTERVAL:.0f}"
            )
        return seconds

    @property
    def progress(self) -> str:
        """One of PROGRESS.

        Raises:
            CommandFailed: it is another word.
        """
        word = self.values.get("progress", PROGRESS[0])
        if word not in PROGRESS:
            raise usage(f"--progress: {show(word)} will not do: say {', '.join(PROGRESS)}")
        return word


_FLAGS_THAT_SET = (
    ("delete", "keep", False),
    ("keep", "keep", True),
    ("insecure_cleartext", "insecure_cleartext", True),
)


def option(name: str) -> str:
    """How it is written."""
    return f"--{name.replace('_', '-')}"


def usage(message: str) -> CommandFailed:
    """The command line has to change first."""
    return CommandFailed(message, ExitCode.USAGE)


def refuse_contradictions(wish: Wish) -> None:
    """Options of which only one can be meant.

    Raises:
        CommandFailed: there are some.
    """
    given = {*wish.flags, *wish.values}
    for one, other in _EXCLUSIVE:
        if {one, other} <= given:
            raise usage(f"say {option(one)} or {option(other)}, not both")


_EXCLUSIVE = (
    ("delete", "keep"),
    ("delete", "keep_days"),
    ("keep", "keep_days"),
    ("password_stdin", "password_command"),
    ("dry_run", "watch"),
)


def _here() -> str:
    return PLACE
