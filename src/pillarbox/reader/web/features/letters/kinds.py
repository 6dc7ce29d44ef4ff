"""Which attached files a browser may show."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from pillarbox.reader.mail.letter import Part

IMAGES = {
    "image/png": "image/png",
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
    "image/avif": "image/avif",
    "image/bmp": "image/bmp",
}
"""Made of dots: nothing in them acts. (SVG is a document, with scripts.) What they are said to be, and are."""

PDF = "application/pdf"
"""Shown by the browser's own viewer, which keeps what is in it to itself."""

ANY = "application/octet-stream"
"""Everything else, whatever it says that it is: to be saved, and never to be shown from here."""

_BY_ENDING = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".pdf": PDF,
}
_VAGUE = frozenset(
    (ANY, "application/x-download", "application/force-download", "image/x-png", "image/*")
)
"""Said by programs that do not know, or do not care."""

_MARKS = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "image/avif": re.compile(rb"....ftypavi[fs]", re.DOTALL),
    "image/bmp": re.compile(rb"BM"),
    PDF: re.compile(rb".{0,1024}?%PDF-", re.DOTALL),
}
"""How they begin."""


def kind_of(part: Part) -> str:
    """As what the browser may show *part*: an image, a PDF, or :data:`ANY`. If the message does not say what it is, by
    the ending of its name.
    """
    if part.type in IMAGES:
        return IMAGES[part.type]
    if part.type == PDF:
        return PDF
    ending = PurePosixPath(part.name).suffix.lower()
    return _BY_ENDING.get(ending, ANY) if part.type in _VAGUE else ANY


def is_such(kind: str, octets: bytes) -> bool:
    """Whether a file begins as one of *kind* does."""
    return kind in _MARKS and _MARKS[kind].match(octets) is not None
