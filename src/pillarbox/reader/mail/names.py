"""Names of attached files that are safe to be shown, and to be given to a file system."""

from __future__ import annotations

import mimetypes
import re

from pillarbox.reader.mail.limits import NAME
from pillarbox.reader.mail.words import UNWANTED

_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
_DEVICES = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)")
_OCTETS = 200
"""In UTF-8: file systems take 255, and programs add to it."""

_SUFFIX = 16
"""Characters of an ending that are kept when a name is cut."""

_KNOWN = {
    "message/delivery-status": ".txt",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/plain": ".txt",
    "text/rfc822-headers": ".txt",
    "application/pgp-signature": ".asc",
    "application/pgp-encrypted": ".asc",
    "application/pkcs7-mime": ".p7m",
    "application/x-pkcs7-mime": ".p7m",
}


_CALLED = {"text/calendar": "invitation"}
"""What people would call what has no name, if there is one of it in most messages."""


def safe_name(said: str, media_type: str, number: str) -> str:
    """What a file that the message calls *said* is called here: one part of a path, without control characters or
    changes of direction, and never empty.
    """
    name = UNWANTED.sub("", said).replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = " ".join(_FORBIDDEN.sub("_", name).split()).strip(". ")
    if not name:
        return f"{_CALLED.get(media_type, f'part-{number}')}{_suffix_of(media_type)}"
    if _DEVICES.match(name):
        name = f"_{name}"
    return shortened(name)


def shortened(name: str) -> str:
    """Cut in the middle, so that the ending stays."""
    if len(name) <= NAME and len(name.encode()) <= _OCTETS:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > _SUFFIX:
        stem, suffix = name, ""
    end = dot + suffix if suffix else ""
    room = _OCTETS - len(end.encode())
    stem = stem[: NAME - len(end)].encode()[:room].decode("utf-8", "ignore")
    return stem.rstrip(". ") + end


def distinct(names: list[str]) -> list[str]:
    """Each once, whatever the file system thinks of capitals: ``a.txt``, ``a (2).txt``."""
    taken: set[str] = set()
    done: list[str] = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        if not dot:
            stem, suffix = name, ""
        count, candidate = 1, name
        while candidate.casefold() in taken:
            count += 1
            candidate = f"{stem} ({count}){dot}{suffix}"
        taken.add(candidate.casefold())
        done.append(candidate)
    return done


def _suffix_of(media_type: str) -> str:
    return _KNOWN.get(media_type) or mimetypes.guess_extension(media_type) or ".bin"
