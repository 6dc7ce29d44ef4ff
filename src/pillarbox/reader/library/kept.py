"""Small files of the user's own, as JSON: read whole, written whole, never silently thrown away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pillarbox.durable import replace_file, sync_folder
from pillarbox.reader.library.trouble import usable

MAX_OCTETS = 64 * 1024 * 1024
"""A larger file was not written here: a million lines of 60 octets."""


def load(path: Path) -> Any:
    """What *path* holds; None: there is no such file.

    Raises:
        ValueError: it is no JSON; see *set_aside*.
        LibraryUnusable: it cannot be read.
    """
    with usable(path):
        try:
            with path.open("rb") as file:
                content = file.read(MAX_OCTETS + 1)
        except FileNotFoundError:
            return None
    if len(content) > MAX_OCTETS:
        raise ValueError("it is too large")
    try:
        return json.loads(content)
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def save(path: Path, value: Any) -> None:
    """Make *value* what *path* holds, durably.

    Raises:
        LibraryUnusable: it cannot be written; what was there is still there.
    """
    with usable(path):
        text = json.dumps(value, ensure_ascii=False, indent=1)
        replace_file(path, text.encode("utf-8", "surrogatepass"))


def set_aside(path: Path) -> Path:
    """Give a damaged file another name, under which it stays; the new one.

    Raises:
        LibraryUnusable: it cannot be renamed.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    with usable(path):
        path.rename(aside)
        sync_folder(path.parent)
    return aside
