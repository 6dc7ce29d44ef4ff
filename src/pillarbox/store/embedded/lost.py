"""The folder ``lost`` of a shard: what is left of mail that the index does not list.

Nothing that Pillarbox has not itself marked for deletion is ever unlinked: body files that
the index does not know (it may have come back from an older backup), the remains of damaged
bodies, what lay beside a lost index. They are moved here, by repair or to make room, and stay
until an operator removes them. Each keeps its name (a body its number); a second one of the
same name is given a number more, as nothing here is ever overwritten.

Bodies are in the stored form: CRLF line ends, dot-stuffed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from pillarbox.durable import sync_folder

FOLDER = "lost"


def set_aside(path: Path, shard: Path) -> Path:
    """Move *path* into the folder of *shard*, durably; where it is now.

    Raises:
        OSError: it cannot be moved; it is where it was.
    """
    for place in _places(shard, path.name):
        with contextlib.suppress(FileExistsError):
            os.link(path, place)
            sync_folder(place.parent)
            path.unlink()  # its other name
            sync_folder(path.parent)
            return place
    raise AssertionError("unreachable: there is always another name")


def keep(data: bytes, name: str, shard: Path) -> Path:
    """Write *data* durably into the folder of *shard*; where it is.

    Raises:
        OSError: it cannot be written.
    """
    for place in _places(shard, name):
        with contextlib.suppress(FileExistsError), open(place, "xb", opener=_private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            sync_folder(place.parent)
            return place
    raise AssertionError("unreachable: there is always another name")


def _places(shard: Path, name: str) -> Iterator[Path]:
    folder = shard / FOLDER
    if not folder.is_dir():
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(shard)
    yield folder / name
    for number in count(2):
        yield folder / f"{name}.{number}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
