"""What stands before the subcommand, read without Typer.

Typer makes help, completion and error messages. It takes a fifth of a second to import, with pydantic, by which it knows
what a number is; so a command line that is in order is read without it, for the commands that people, or timers, wait for.
Whatever is not in order, or asks for help, is Typer's: functions here and in the commands' ``arguments`` know nothing then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_COMPLETION = "_PILLARBOX_COMPLETE"


class Front(NamedTuple):
    """A command line up to the command."""

    command: str = ""
    rest: tuple[str, ...] = ()
    """What follows the command."""
    config: Path | None = None
    """``--config``."""
    overrides: tuple[str, ...] = ()
    """``--set``."""
    debug: bool = False


def front_of(arguments: Sequence[str], environ: Mapping[str, str]) -> Front | None:
    """The command line without the program's name.

    None: it names no command, asks for help, or something is wrong with it.
    """
    if _COMPLETION in environ:
        return None
    front = Front(debug=_is_on(environ.get("PILLARBOX_DEBUG", "")))
    rest = iter(arguments)
    for word in rest:
        if not word.startswith("-"):
            return front._replace(command=word, rest=tuple(rest))
        more = _with(front, word, rest)
        if more is None:
            return None
        front = more
    return None


def _is_on(text: str) -> bool:
    return text.strip().lower() in {"1", "true", "t", "yes", "y", "on"}


def _with(front: Front, word: str, rest: Iterator[str]) -> Front | None:
    """*front* with an option; None: it is none that is known."""
    name, equals, value = word.partition("=")
    if name == "--config" or word == "-c":
        found = value if equals else next(rest, None)
        return None if found is None else front._replace(config=Path(found))
    if name == "--set":
        found = value if equals else next(rest, None)
        return None if found is None else front._replace(overrides=(*front.overrides, found))
    return front._replace(debug=True) if word == "--debug" else None
