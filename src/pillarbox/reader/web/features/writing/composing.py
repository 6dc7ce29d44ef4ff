"""A draft: begun, shown, saved, sent, discarded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pillarbox.reader.errors import LibraryUnusable, NotSendable, WrongFields
from pillarbox.reader.model import Draft, MessageKey
from pillarbox.reader.web.features.writing.keeping import keep, shown, to_draft
from pillarbox.reader.web.features.writing.mailto import draft_of
from pillarbox.reader.web.features.writing.typed import form_of
from pillarbox.reader.web.pages import back, by_script, desk_of, off_loop, page

_WRONG, _UNUSABLE = 422, 503
_DOOR = ("/login", "/enter")
"""Where one signs in."""


async def _new(request: Request) -> Response:
    async with form_of(request) as typed:
        draft = typed.into(draft_of(typed.texts.get("mailto", "")))
    kept = await off_loop(desk_of(request).writing.new, draft)
    return _opened(kept, typed.back or _origin(request))


async def _from_link(request: Request) -> Response:
    """A link from elsewhere only shows what it asks for: a page that is looked at changes nothing."""
    link = request.query_params.get("mailto", "")
    back_to = _origin(request)
    return await page(
        request, "writing/mailto.html", link=link, draft=draft_of(link), back_to=back_to
    )


async def _answer(request: Request) -> Response:
    key = MessageKey(request.path_params["key"])
    kind = request.url.path.rpartition("/")[2]
    writing = desk_of(request).writing
    async with form_of(request) as typed:
        attached = typed.texts.get("as") == "attachment"
    works: Mapping[str, Callable[[], Draft]] = {
        "reply": partial(writing.reply, key),
        "reply-all": partial(writing.reply, key, to_all=True),
        "forward": partial(writing.forward, key, attached=attached),
        "again": partial(writing.again, key),
    }
    return _opened(await off_loop(works[kind]), _origin(request))


def _opened(draft: Draft, origin: str) -> Response:
    """The page of a new draft, which knows where one came from."""
    where = f"?{urlencode({'back': origin})}" if origin else ""
    return back(f"/compose/{draft.id}{where}")


def _origin(request: Request) -> str:
    """The page of ours that one came from; empty: none. Pages that begin a message, or write one, are passed over: once it
    is sent they would begin another, or be gone; so is the door, as one is inside.
    """
    came = urlsplit(request.headers.get("referer", ""))
    if came.netloc != request.url.netloc or came.path in _DOOR:
        return ""
    if came.path.startswith("/compose"):
        return parse_qs(came.query).get("back", [""])[0]
    return came.path + (f"?{came.query}" if came.query else "")


async def _show(request: Request) -> Response:
    draft = await off_loop(desk_of(request).drafts.find, request.path_params["draft"])
    return await shown(request, draft, back_to=request.query_params.get("back", ""))


async def _save(request: Request) -> Response:
    async with form_of(request) as typed:
        saved = await keep(request, typed)
    if isinstance(saved, Response):
        return saved
    if by_script(request):
        return JSONResponse({"version": saved.version, "text": saved.text})
    return to_draft(saved, typed, saved="")


async def _send(request: Request) -> Response:
    writing = desk_of(request).writing
    async with form_of(request) as typed:
        draft = await keep(request, typed)
    if isinstance(draft, Response):
        return draft
    try:
        doubts = await off_loop(writing.doubts, draft.id)
        if doubts and "sure" not in typed.texts:
            return await shown(request, draft, back_to=typed.back, doubts=doubts, status=_WRONG)
        outgoing = await off_loop(writing.send, draft.id)
    except (NotSendable, LibraryUnusable) as error:
        unusable = isinstance(error, LibraryUnusable)
        if unusable and by_script(request):
            raise
        wrong = error.by_field if isinstance(error, WrongFields) else {"": str(error)}
        status = _UNUSABLE if unusable else _WRONG
        return await shown(request, draft, back_to=typed.back, wrong=wrong, status=status)
    hold = desk_of(request).settings.hold_seconds
    if by_script(request):
        return JSONResponse({"id": outgoing, "back": typed.back or "/", "hold": hold})
    # Without scripts it can be taken back there only.
    return back(f"/outbox/{outgoing}" if hold else typed.back or "/")


async def _discard(request: Request) -> Response:
    draft = request.path_params["draft"]
    async with form_of(request) as typed:
        where = typed.back
        if "text" in typed.texts:  # what was typed last is to come back, too, if it does
            saved = await keep(request, typed)
            if isinstance(saved, Response):
                return saved
    await off_loop(desk_of(request).drafts.discard, draft)
    if by_script(request):
        return JSONResponse({"id": draft, "back": where or "/drafts"})
    return back(f"/drafts?{urlencode({'discarded': draft})}")


async def _restore(request: Request) -> Response:
    draft = await off_loop(desk_of(request).drafts.restore, request.path_params["draft"])
    return back(f"/compose/{draft.id}")


ROUTES: list[BaseRoute] = [
    Route("/compose", _from_link, methods=["GET"]),
    Route("/compose", _new, methods=["POST"]),
    *(
        Route(f"/message/{{key}}/{kind}", _answer, methods=["POST"])
        for kind in ("reply", "reply-all", "forward", "again")
    ),
    Route("/compose/{draft}", _show, methods=["GET"]),
    Route("/compose/{draft}/save", _save, methods=["POST"]),
    Route("/compose/{draft}/send", _send, methods=["POST"]),
    Route("/compose/{draft}/discard", _discard, methods=["POST"]),
    Route("/compose/{draft}/restore", _restore, methods=["POST"]),
]
