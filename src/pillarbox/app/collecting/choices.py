"""What a wish means: which accounts or URL, how often, and what it says about accounts.

The options are texts, as they were typed. Those that are settings of an account are read by
the very rows that read the file (:mod:`.keys`), and count for each account that is collected.
"""

from __future__ import annotations

import math
from pathlib import Path

from pillarbox.app.collecting.keys import KEYS
from pillarbox.app.collecting.layers import Layer, Said, put
from pillarbox.app.collecting.wish import Wish, spelling
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.wording import show
from pillarbox.app.exits import CommandFailed, ExitCode
from pillarbox.fetch.limits import SHORTEST

PLACE = "pillarbox"
"""Where a fault of the command line stands."""

PROGRESS = ("auto", "always", "never")
LONGEST_INTERVAL = 7 * 86_400
"""Seconds between two runs: more than a week is a slip."""

_FLAGS = (
    # flag, key, value
    ("delete", "keep", False),
    ("keep", "keep", True),
    ("insecure_cleartext", "insecure_cleartext", True),
)
_EXCLUSIVE = (
    ("delete", "keep"),
    ("delete", "keep_days"),
    ("keep", "keep_days"),
    ("password_stdin", "password_command"),
    ("dry_run", "watch"),
)


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
            raise usage(f"say {spelling(one)} or {spelling(other)}, not both")


def url_of(wish: Wish) -> str | None:
    """The one URL; None: accounts are meant.

    Raises:
        CommandFailed: it does not stand alone.
    """
    if not any("://" in text for text in wish.what):
        return None
    if len(wish.what) > 1:
        raise usage("give one URL, or names of accounts; not several URLs, and not both")
    return wish.what[0]


def layer_of(wish: Wish) -> Layer:
    """What the options say about accounts.

    Raises:
        ConfigError: some of it cannot be meant.
    """
    layer: Layer = {}
    faults: list[Fault] = []
    for key, value in wish.values.items():
        if key in KEYS:
            said = Said(value, _here, spelling(key))
            put(layer, key, said, Path(), faults, as_text=True)
    for flag, key, setting in _FLAGS:
        if flag in wish.flags:
            layer[key] = Said(setting, _here, spelling(flag))
    if faults:
        raise ConfigError(faults)
    return layer


def interval_of(wish: Wish) -> float | None:
    """Seconds of ``--watch``; None: once is enough.

    Raises:
        CommandFailed: it is no such number.
    """
    text = wish.values.get("watch")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not SHORTEST <= seconds <= LONGEST_INTERVAL:  # which no NaN is
        raise usage(
            f"--watch: {show(text)} will not do: give a number of seconds "
            f"from {SHORTEST} to {LONGEST_INTERVAL}"
        )
    return seconds


def progress_of(wish: Wish) -> str:
    """One of PROGRESS.

    Raises:
        CommandFailed: it is another word.
    """
    word = wish.values.get("progress", PROGRESS[0])
    if word not in PROGRESS:
        raise usage(f"--progress: {show(word)} will not do: say {', '.join(PROGRESS)}")
    return word


def _here() -> str:
    return PLACE
