"""Attached files, and the message as it came."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pillarbox.reader.mail.letter import Letter, read_letter, read_part
from pillarbox.reader.mail.names import distinct, safe_name
from pillarbox.reader.model import MessageKey
from pillarbox.reader.web.features.letters.kinds import ANY, PDF, is_such, kind_of
from pillarbox.reader.web.pages import desk_of, off_loop, page

SOURCE_SHOWN = 1_000_000
"""Octets of the source that are shown on the page; all of it can be saved."""

PIECE = 65_536
"""Octets that are packed at a time."""

_ZIP64 = 1 << 31
"""Octets from which on a zip file needs larger numbers."""
_FIRST_YEAR, _LAST_YEAR = 1980, 2107

_LOCKED = "sandbox; default-src 'none'; frame-ancestors 'none'"
_FOR_PDF = (
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
)
"""Viewers do not work in a sandbox; what they show is in one of their own."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


async def show_part(request: Request) -> Response:
    """``/message/KEY/part/NUMBER``: images and PDF to be shown, all else to be saved; with ``?save=1``, these, too."""
    number = request.path_params["number"]
    data = await off_loop(_message, request)
    try:
        part, octets = await off_loop(read_part, data, number)
    except KeyError:
        raise HTTPException(404) from None
    kind = kind_of(part)
    if not is_such(kind, octets):
        kind = ANY
    save = kind == ANY or request.query_params.get("save") == "1"
    headers = {
        "Content-Disposition": disposition("attachment" if save else "inline", part.name),
        "Content-Security-Policy": _FOR_PDF if kind == PDF and not save else _LOCKED,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(octets, media_type=kind, headers=headers)


async def show_archive(request: Request) -> Response:
    """``/message/KEY/attachments.zip``: all of them."""
    data = await off_loop(_message, request)
    letter = await off_loop(read_letter, data)
    if not letter.parts:
        raise HTTPException(404)
    name = safe_name(f"{_base_name(letter)}.zip", "application/zip", "1")
    headers = {"Content-Disposition": disposition("attachment", name)}
    return StreamingResponse(archive(data, letter), media_type="application/zip", headers=headers)


async def show_source(request: Request) -> Response:
    """``/message/KEY/source``: as it came; with ``?save=1``, as a file."""
    data = await off_loop(_message, request)
    letter = await off_loop(read_letter, data)
    if request.query_params.get("save") == "1":
        name = safe_name(f"{_base_name(letter)}.eml", "message/rfc822", "1")
        headers = {
            "Content-Disposition": disposition("attachment", name),
            "Content-Security-Policy": _LOCKED,
        }
        return Response(data, media_type=ANY, headers=headers)
    return await page(
        request,
        "letters/source.html",
        key=request.path_params["key"],
        subject=letter.subject,
        faults=letter.faults,
        source=readable(data[:SOURCE_SHOWN]),
        octets=len(data),
        cut=len(data) > SOURCE_SHOWN,
    )


def disposition(kind: str, name: str) -> str:
    """RFC 6266: the name in ASCII for old programs, and as it is."""
    plain = name.encode("ascii", "replace").decode().translate(str.maketrans('?"\\%', "____"))
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def readable(octets: bytes) -> str:
    """As text in which nothing is hidden: what is no UTF-8, and what would turn or move it, is spelled out."""
    text = octets.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def archive(data: bytes, letter: Letter) -> Iterator[bytes]:
    """A zip file, piece by piece: no more than one attachment is unpacked at a time."""
    sink = _Sink()
    names = distinct([part.name for part in letter.parts])
    with zipfile.ZipFile(sink, "w", compresslevel=1) as packed:
        for part, name in zip(letter.parts, names, strict=True):
            octets = memoryview(read_part(data, part.number)[1])
            with packed.open(_entry(name, letter), "w", force_zip64=len(octets) >= _ZIP64) as file:
                for start in range(0, len(octets), PIECE):
                    file.write(octets[start : start + PIECE])
                    yield sink.take()
    yield sink.take()


def _entry(name: str, letter: Letter) -> zipfile.ZipInfo:
    """With the date of the message; a zip file knows none before 1980."""
    date = letter.date
    if date is None or not _FIRST_YEAR <= date.year <= _LAST_YEAR:
        entry = zipfile.ZipInfo(name)
    else:
        entry = zipfile.ZipInfo(name, date.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


class _Sink:
    """A file that cannot be rewound: what is written is taken away."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, octets: bytes) -> int:
        self._pieces.append(bytes(octets))
        return len(octets)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """There is nothing to close."""

    def take(self) -> bytes:
        done = b"".join(self._pieces)
        self._pieces.clear()
        return done


def _message(request: Request) -> bytes:
    """Blocking. Raises NoSuchMessage."""
    return desk_of(request).library.read(MessageKey(request.path_params["key"]))


def _base_name(letter: Letter) -> str:
    return letter.subject.replace("/", "_") or "message"
