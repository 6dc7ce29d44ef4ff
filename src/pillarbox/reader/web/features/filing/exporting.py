"""``/export``: mail leaves the library as a file."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from pillarbox.reader.mail.names import safe_name
from pillarbox.reader.model import ExportForm, Folder, MessageKey
from pillarbox.reader.web.features.filing.forms import choices
from pillarbox.reader.web.pages import desk_of, off_loop, page

FORMS = (
    (ExportForm.MBOX, "mbox", "One file that most mail programs read"),
    (ExportForm.ZIP, "Zip of .eml files", "One file for each message; any program opens them"),
    (
        ExportForm.MAILDIR,
        "Maildir in a tar archive",
        "As it is kept here, with what is read and flagged",
    ),
)
_TYPES = {
    ExportForm.MBOX: ("application/mbox", "mbox"),
    ExportForm.ZIP: ("application/zip", "zip"),
    ExportForm.MAILDIR: ("application/x-tar", "tar"),
}


def routes() -> list[BaseRoute]:
    return [
        Route("/export", _show, methods=["GET"]),
        Route("/export/file", _folder, methods=["GET"]),
        Route("/export/message/{key}", _message, methods=["GET"]),
    ]


async def _show(request: Request) -> Response:
    return await page(
        request,
        "filing/export.html",
        choices=await off_loop(choices, desk_of(request).library),
        folder=request.query_params.get("folder", ""),
        forms=FORMS,
    )


async def _folder(request: Request) -> Response:
    folder = Folder(request.query_params.get("folder", ""))
    said = request.query_params.get("form", "")
    form = ExportForm(said) if said in set(ExportForm) else ExportForm.MBOX
    pieces = await off_loop(desk_of(request).filing.export, folder, form)
    media_type, suffix = _TYPES[form]
    name = safe_name(folder.replace("/", "-"), "", "1")
    return StreamingResponse(pieces, media_type=media_type, headers=_attachment(f"{name}.{suffix}"))


async def _message(request: Request) -> Response:
    library = desk_of(request).library
    key = MessageKey(request.path_params["key"])
    row = await off_loop(library.find, key)
    message = await off_loop(library.read, key)
    name = safe_name(row.subject.replace("/", "-"), "message/rfc822", "1")
    return Response(
        message.replace(b"\n", b"\r\n"),
        media_type="message/rfc822",
        headers=_attachment(name if name.endswith(".eml") else f"{name}.eml"),
    )


def _attachment(name: str) -> dict[str, str]:
    """RFC 6266: what a browser calls it on disk; nothing of it is ever shown as a page."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
