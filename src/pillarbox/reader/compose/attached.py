"""What is attached to a draft: names, types, and how much there may be."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from pillarbox.durable import sync_folder
from pillarbox.reader.errors import NotSendable
from pillarbox.reader.incoming import Received
from pillarbox.reader.mail.names import safe_name
from pillarbox.reader.model import File

MAX_OCTETS = 50_000_000
"""Of all files of a message. Servers take 10 to 35 MB, a few of them 50 (RFC 1870 lets each say so)."""
MAX_FILES = 200
UNKNOWN = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


class Room:
    """What is left for the files of one draft."""

    def __init__(self, files: Iterable[File]) -> None:
        files = tuple(files)
        self._left = MAX_OCTETS - sum(file.octets for file in files)
        if len(files) >= MAX_FILES:
            raise NotSendable(f"A message takes {MAX_FILES} files. Put them into an archive first.")

    def take(self, octets: int) -> None:
        """Raises :class:`.errors.NotSendable`: there is not so much left."""
        self._left -= octets
        if self._left < 0:
            raise NotSendable(
                f"With this file the message would be larger than {MAX_OCTETS // 1_000_000} MB, which "
                "hardly any server takes. Share it in another way, or send several messages."
            )


def safe_type(media_type: str) -> str:
    """A media type without parameters (RFC 6838, section 4.2); one that is none becomes :data:`UNKNOWN`."""
    media_type = media_type.partition(";")[0].strip().lower()
    return media_type if _TYPE.fullmatch(media_type) else UNKNOWN


def write_file(
    folder: Path, name: str, media_type: str, content: Iterable[bytes] | Received, room: Room
) -> File:
    """A new file in *folder*; durable on return, and not there at all when this raises.

    Raises:
        NotSendable: it is too large.
        OSError: it cannot be written.
    """
    file_id = secrets.token_hex(8)
    octets = 0
    try:
        descriptor = os.open(folder / file_id, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 -- a descriptor, no path
            if isinstance(content, Received):
                room.take(octets := content.octets)
                content.into(file)
            else:
                for piece in content:
                    room.take(len(piece))
                    octets += file.write(piece)
            file.flush()
            os.fsync(descriptor)
        sync_folder(folder)
    except BaseException:
        (folder / file_id).unlink(missing_ok=True)
        raise
    media_type = safe_type(media_type)
    return File(file_id, safe_name(name, media_type, "1"), media_type, octets)
