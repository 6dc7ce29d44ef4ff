"""Which attached files a browser may show."""

from __future__ import annotations

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
