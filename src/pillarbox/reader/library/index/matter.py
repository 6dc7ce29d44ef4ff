"""What a search looks through, kept as it was written: where it has found a message can be shown. Pure.

Kept, and not read from the message's file when it is asked for: a newsletter takes milliseconds to be understood, what has
much attached takes a disk some, and a page of a list has fifty rows. Compressed it is half an octet for a character.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass

from pillarbox.reader.library.index.folding import storable
from pillarbox.reader.mail.summary import Summary
from pillarbox.reader.model import Correspondent

_LEVEL = 1
"""Of compression: a tenth larger than with the usual one, in half the time."""
_QUOTED = re.compile(r"^[ \t]*>[> \t]*", re.MULTILINE)
"""Signs that say that a line is quoted: they would stand in the midst of a sentence."""


@dataclass(frozen=True, slots=True)
class Matter:
    """Of a message."""

    text: str = ""
    """In one line; without the signs of quotes."""
    people: tuple[Correspondent, ...] = ()
    """Who it is to."""
    files: tuple[str, ...] = ()


def pack(summary: Summary) -> bytes:
    """What is kept of a message."""
    kept = [
        " ".join(_QUOTED.sub("", summary.text).split()),
        [[person.name, person.address] for person in summary.to],
        summary.attachments,
    ]
    return zlib.compress(storable(json.dumps(kept, ensure_ascii=False)).encode(), _LEVEL)


def unpack(packed: bytes) -> Matter:
    """The inverse of :func:`pack`; nothing, if it is damaged: then a row shows less, and the list is there."""
    try:
        text, people, files = json.loads(zlib.decompress(packed))
        return Matter(text, tuple(Correspondent(*each) for each in people), tuple(files))
    except (zlib.error, ValueError, TypeError):
        return Matter()
