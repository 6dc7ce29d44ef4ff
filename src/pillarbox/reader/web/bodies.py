"""What comes with a request: how much of it, and the token in it."""

from __future__ import annotations

import re
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

_MIB = 1 << 20

FORM = _MIB
"""Octets of a form: some hundreds of messages that are selected."""
TEXT = 16 * _MIB
"""A draft, percent-encoded: a text of some megabytes. Contacts, too."""
FILES = 256 * _MIB
"""Attached files at once: more than any server takes."""
MAIL = 64 << 30
"""An export of a lifetime. It goes to the disk as it comes."""

_PEEK = 4096
"""Octets in which the first field of multipart/form-data has to be whole."""


class Limit(NamedTuple):
    form: int
    multipart: int


_BY_PREFIX = (
    ("/compose", Limit(TEXT, FILES)),
    ("/drafts", Limit(TEXT, FILES)),
    ("/contacts", Limit(TEXT, TEXT)),
    ("/import", Limit(FORM, MAIL)),
)
_OTHERS = Limit(FORM, FORM)


def limit_of(scope: Scope) -> int:
    """Octets that the body of this request may have."""
    path: str = scope["path"]
    limit = next(
        (limit for prefix, limit in _BY_PREFIX if path == prefix or path.startswith(f"{prefix}/")),
        _OTHERS,
    )
    return limit.multipart if _type(scope) == "multipart/form-data" else limit.form


def announced(scope: Scope) -> int:
    """Octets of the body, as far as it says; 0 else."""
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,19}", length) else 0


async def token_of(scope: Scope, receive: Receive, limit: int) -> tuple[str, Receive]:
    """The token that was sent with a change (empty: none), and what reads the body from its beginning.

    It is in the field ``X-CSRF`` of the header, else in the field ``csrf`` of the form, which has to be the first one of a
    multipart form: files are not read to find it. *limit* bounds what is kept of a body.
    """
    sent = Headers(scope=scope).get("x-csrf")
    if sent is not None:
        return sent, receive
    match _type(scope):
        case "application/x-www-form-urlencoded":
            replay = _Replay(receive)
            body = await replay.read(limit)
            found = re.search(rb"(?:^|&)csrf=([^&]*)", body)
        case "multipart/form-data":
            replay = _Replay(receive)
            body = await replay.read(_PEEK)
            found = re.match(
                rb"--[^\r\n]{1,200}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n([^\r\n]*)\r\n",
                body,
            )
        case _:
            return "", receive
    return (found[1].decode("latin-1") if found else ""), replay


def _type(scope: Scope) -> str:
    return Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()


class _Replay:
    """Reads the beginning of a body, and gives it out again."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: list[Message] = []

    async def read(self, octets: int) -> bytes:
        """What comes until there are *octets*, or the end."""
        pieces: list[bytes] = []
        while sum(map(len, pieces)) < octets:
            message = await self._receive()
            self._kept.append(message)
            if message["type"] != "http.request":
                break
            pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                break
        return b"".join(pieces)

    async def __call__(self) -> Message:
        return self._kept.pop(0) if self._kept else await self._receive()
