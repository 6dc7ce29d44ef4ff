"""What is attached to a draft, and what it quotes."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pillarbox.reader.compose.pictures import MAX_SHOWN
from pillarbox.reader.compose.pictures import shown as shown_pictures
from pillarbox.reader.contracts import Drafts
from pillarbox.reader.errors import NoSuchDraft
from pillarbox.reader.model import Draft
from pillarbox.reader.web.features.writing.keeping import attach, keep, to_draft
from pillarbox.reader.web.features.writing.typed import form_of
from pillarbox.reader.web.pages import by_script, desk_of, off_loop

_QUOTE_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
_QUOTE_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Quoted message</title>'
    "<style>body { margin: 8px; font: 15px/1.5 system-ui, sans-serif; color: #24211e; background: white } "
    "blockquote { margin: 8px 0; padding-left: 12px; border-left: 2px solid #8b847b }</style></head>"
)
_FILE_POLICY = "sandbox; default-src 'none'"
_WRONG = 422


async def _attach(request: Request) -> Response:
    """By script: only the files. Else the whole form, of which nothing shall get lost."""
    drafts = desk_of(request).drafts
    draft_id = request.path_params["draft"]
    async with form_of(request) as typed:
        if not by_script(request):
            kept = await keep(request, typed)
            return kept if isinstance(kept, Response) else to_draft(kept, typed)
        for upload in typed.files:
            await off_loop(attach, drafts, draft_id, upload)
    draft = await off_loop(drafts.find, draft_id)
    return JSONResponse({"files": [file.id for file in draft.files]})


async def _detach(request: Request) -> Response:
    drafts = desk_of(request).drafts
    async with form_of(request) as typed:
        if not by_script(request):
            kept = await keep(request, typed)
            if isinstance(kept, Response):
                return kept
    draft_id = request.path_params["draft"]
    await off_loop(drafts.detach, draft_id, request.path_params["file"])
    draft: Draft = await off_loop(drafts.find, draft_id)
    if by_script(request):
        return JSONResponse({"files": [file.id for file in draft.files]})
    return to_draft(draft, typed)


async def _file(request: Request) -> Response:
    """A look at what is attached: always as a download, whatever it is."""
    drafts = desk_of(request).drafts
    draft = await off_loop(drafts.find, request.path_params["draft"])
    for file in draft.files:
        if file.id == request.path_params["file"]:
            path = await off_loop(drafts.path, draft.id, file.id)
            return FileResponse(
                path,
                media_type="application/octet-stream",
                headers={
                    "Content-Disposition": f"attachment; filename*=utf-8''{quote(file.name)}",
                    "Content-Security-Policy": _FILE_POLICY,
                },
            )
    raise NoSuchDraft("This file is not attached any more.")


async def _quote(request: Request) -> Response:
    """The quoted HTML, as it will be sent. It was sanitised when it was quoted; the frame lets nothing act or load."""
    drafts = desk_of(request).drafts
    draft = await off_loop(drafts.find, request.path_params["draft"])
    quote = await off_loop(shown_pictures, draft.quote, partial(_picture, drafts, draft))
    return HTMLResponse(f"{_QUOTE_HEAD}{quote}", headers={"Content-Security-Policy": _QUOTE_POLICY})


def _picture(drafts: Drafts, draft: Draft, content_id: str) -> tuple[str, bytes] | None:
    for file in draft.files:
        if file.content_id == content_id and file.octets <= MAX_SHOWN:
            with suppress(OSError):
                return file.type, drafts.path(draft.id, file.id).read_bytes()
    return None


ROUTES: list[BaseRoute] = [
    Route("/compose/{draft}/attach", _attach, methods=["POST"]),
    Route("/compose/{draft}/detach/{file}", _detach, methods=["POST"]),
    Route("/compose/{draft}/files/{file}", _file, methods=["GET"]),
    Route("/compose/{draft}/quote", _quote, methods=["GET"]),
]
