"""The list, one message, and what is asked before something happens that cannot be undone."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.reader.contracts import Outbox
from pillarbox.reader.errors import LibraryUnusable, TooLate
from pillarbox.reader.mail.letter import Letter, read_letter
from pillarbox.reader.model import Outgoing
from pillarbox.reader.web.features.outbox.states import said_of
from pillarbox.reader.web.pages import back, desk_of, off_loop, page

HOME = "/outbox"


def outgoing_id(request: Request) -> str:
    """Which message the URL is about."""
    found: str = request.path_params["outgoing"]
    return found


async def _list(request: Request) -> Response:
    desk = desk_of(request)
    waiting = await off_loop(desk.outbox.all)
    now = desk.clock()
    return await page(
        request,
        "outbox/list.html",
        rows=[(outgoing, said_of(outgoing, now)) for outgoing in waiting],
        damaged=await off_loop(desk.outbox.damaged),
        problem=desk.outbox.problem,
        gone="gone" in request.query_params,
        discarded="discarded" in request.query_params,
    )


async def _message(request: Request) -> Response:
    return await _about(request, "outbox/message.html")


async def _ask_again(request: Request) -> Response:
    return await _about(request, "outbox/again.html")


async def _ask_discard(request: Request) -> Response:
    return await _about(request, "outbox/discard.html")


async def _about(request: Request, template: str) -> Response:
    """A page about one message; of one that has left meanwhile, the list that says so."""
    desk = desk_of(request)
    found = await off_loop(_read, desk.outbox, outgoing_id(request))
    if found is None:
        return back(f"{HOME}?gone")
    said = said_of(found.outgoing, desk.clock())
    return await page(request, template, **found._asdict(), said=said)


class _Found(NamedTuple):
    outgoing: Outgoing
    letter: Letter | None
    trouble: str = ""
    """Why there is no letter."""


def _read(outbox: Outbox, wanted: str) -> _Found | None:
    outgoing = outbox.find(wanted)
    if outgoing is None:
        return None
    try:
        return _Found(outgoing, read_letter(outbox.read(wanted)))
    except TooLate:
        return None
    except LibraryUnusable as error:
        return _Found(outgoing, None, str(error))


ROUTES: list[BaseRoute] = [
    Route(HOME, _list, methods=["GET"]),
    Route(HOME + "/{outgoing}", _message, methods=["GET"]),
    Route(HOME + "/{outgoing}/again", _ask_again, methods=["GET"]),
    Route(HOME + "/{outgoing}/discard", _ask_discard, methods=["GET"]),
]
