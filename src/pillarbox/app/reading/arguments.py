"""The command line of ``pillarbox read``, read without Typer (:mod:`pillarbox.app.front`): a window is waited for.

Options and their help are in :mod:`pillarbox.app.cli.read`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pillarbox.app.front import Front, front_of
from pillarbox.app.reading.wish import ReadWish

COMMAND = "read"
_FILES = frozenset({"--library", "--certificate", "--key"})
_VALUES = _FILES | {"--port", "--listen", "--password-command", "--state"}
_FLAGS: Mapping[str, tuple[str, bool]] = {
    "--browser": ("browser", True),
    "--no-browser": ("browser", False),
    "--reindex": ("reindex", True),
    "--new-password": ("new_password", True),
    "--end-with-stdin": ("with_stdin", True),
}
_MOST_PORT = 65_535


class Quick(NamedTuple):
    """What is wished for."""

    wish: ReadWish
    debug: bool


def quick_wish(arguments: Sequence[str], environ: Mapping[str, str]) -> Quick | None:
    """What the command line (without the program's name) wishes ``read`` to do.

    None: it is another command, asks for help, or something is wrong with it.
    """
    front = front_of(arguments, environ)
    if front is None or front.command != COMMAND:
        return None
    values: dict[str, str] = {}
    flags: dict[str, bool] = {}
    rest = iter(front.rest)
    for word in rest:
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            flag, on = _FLAGS[word]
            flags[flag] = on
            continue
        found = value if equals else next(rest, None)
        if name not in _VALUES or found is None:
            return None
        values[name] = str(Path(found)) if name in _FILES else found
    return _wish(front, values, flags)


def _wish(front: Front, values: dict[str, str], flags: Mapping[str, bool]) -> Quick | None:
    if (port := values.pop("--port", None)) is not None:
        if "--listen" in values or not _is_port(port):
            return None
        values["--listen"] = f"127.0.0.1:{int(port)}"
    state = values.pop("--state", None)
    wish = ReadWish(
        config=front.config,
        overrides=front.overrides,
        options={name[2:].replace("-", "_"): value for name, value in values.items()},
        state=state,
        browser=flags.get("browser", True),
        reindex=flags.get("reindex", False),
        new_password=flags.get("new_password", False),
        with_stdin=flags.get("with_stdin", False),
    )
    return Quick(wish, front.debug)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= _MOST_PORT  # noqa: PLR2004 -- digits
