"""``/folders``: made, renamed, removed, and taken along."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.reader.errors import BadFolderName, NoSuchFolder
from pillarbox.reader.model import Folder
from pillarbox.reader.web.features.filing.forms import fields_of, own
from pillarbox.reader.web.pages import back, desk_of, off_loop, page

_HAPPENED = ("made", "renamed", "before", "removed", "change")
"""What the page says has just been done; each of them can be taken back there."""


def routes() -> list[BaseRoute]:
    return [
        Route("/folders", _show, methods=["GET"]),
        Route("/folders", _make, methods=["POST"]),
        Route("/folders/rename", _rename, methods=["POST"]),
        Route("/folders/remove", _remove, methods=["POST"]),
    ]


async def _show(request: Request) -> Response:
    return await _page(request)


async def _make(request: Request) -> Response:
    fields = await fields_of(request)
    path = fields.get("path", "")
    try:
        folder = await off_loop(desk_of(request).library.make_folder, path)
    except BadFolderName as error:
        return await _page(request, wrong={"": str(error)}, typed={"": path}, status=422)
    return back(f"/folders?{urlencode({'made': folder})}")


async def _rename(request: Request) -> Response:
    fields = await fields_of(request)
    folder, path = Folder(fields.get("folder", "")), fields.get("path", "")
    try:
        now = await off_loop(desk_of(request).library.rename_folder, folder, path)
    except (BadFolderName, NoSuchFolder) as error:
        return await _page(request, wrong={folder: str(error)}, typed={folder: path}, status=422)
    return back(f"/folders?{urlencode({'renamed': now, 'before': folder})}")


async def _remove(request: Request) -> Response:
    """At once: what was in it is in Trash, and it can be undone."""
    folder = Folder((await fields_of(request)).get("folder", ""))
    change = await off_loop(desk_of(request).library.remove_folder, folder)
    happened = {"removed": folder, "change": change.id, "messages": len(change.keys)}
    return back(f"/folders?{urlencode(happened)}")


async def _page(
    request: Request,
    *,
    wrong: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    states = await off_loop(desk_of(request).library.folders)
    mine = own(states)
    query = request.query_params
    context: dict[str, Any] = {
        "mine": mine,
        "others": [state for state in states if state not in mine],
        "wrong": wrong or {},
        "typed": typed or {},
        "happened": {name: query.get(name, "") for name in _HAPPENED},
        "messages": int(query["messages"][:9]) if query.get("messages", "").isdecimal() else 0,
    }
    return await page(request, "filing/folders.html", status=status, **context)
