"""Styles, scripts and pictures: the same for everybody, and served from memory.

They lie under a folder of the URL that is named for what is in them all: ``/static/VERSION/lists/rows.js``.
So a browser may keep each for good, asks for none of them with the next page, and scripts that import each other by
relative names stay within their version.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STATIC = Path(__file__).parent / "static"

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""What else lies there (licences, words about it) is for who reads the source."""
_VERSION_LENGTH = 12  # hexadecimal digits: enough to tell the versions of one program apart
_KEPT = {"Cache-Control": "max-age=31536000, immutable"}
_NOT_KEPT = {"Cache-Control": "no-cache"}


@dataclass(frozen=True)
class Files:
    """All that a browser may ask for."""

    contents: dict[str, bytes]
    """By name: the path below ``static``."""
    version: str
    """Of all together."""

    def url_of(self, name: str) -> str:
        """Where a browser finds the file *name*.

        Raises:
            KeyError: there is none.
        """
        self.contents[name]
        return f"/static/{self.version}/{name}"

    def names(self, suffix: str) -> list[str]:
        """In order; *suffix* as in ``.js``."""
        return [name for name in self.contents if name.endswith(suffix)]


@cache
def files() -> Files:
    """What lies in ``static``, read once."""
    contents = {
        path.relative_to(STATIC).as_posix(): path.read_bytes()
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in _TYPES
    }
    whole = hashlib.sha256()
    for name, content in contents.items():
        whole.update(b"%s\n%d\n%s" % (name.encode(), len(content), content))
    return Files(contents, whole.hexdigest()[:_VERSION_LENGTH])


def is_file(path: str) -> bool:
    """Whether there is a file at the URL's *path*, whatever version that names."""
    before, folder, version, name = [*path.split("/", 3), "", "", "", ""][:4]
    return not before and folder == "static" and version != "" and name in files().contents


def route() -> Route:
    """Where they are served. A page that is older than this program gets what there is now."""
    return Route("/static/{version}/{name:path}", _serve, name="static")


async def _serve(request: Request) -> Response:
    name = request.path_params["name"]
    found = files()
    try:
        content = found.contents[name]
    except KeyError:
        raise HTTPException(404) from None
    headers = _KEPT if request.path_params["version"] == found.version else _NOT_KEPT
    return Response(content, headers=headers, media_type=_TYPES[Path(name).suffix])
