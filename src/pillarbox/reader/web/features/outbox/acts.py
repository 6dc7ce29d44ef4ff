"""What the buttons do. What comes too late (it has left meanwhile) is said by the error's own words."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.reader.contracts import Outbox
from pillarbox.reader.web.features.outbox.pages import HOME, outgoing_id
from pillarbox.reader.web.pages import back, desk_of, off_loop


async def _send(request: Request) -> Response:
    """Send now. One that may have arrived is asked about first: the button may be on an old page."""
    wanted = outgoing_id(request)
    outbox = desk_of(request).outbox
    if await off_loop(_may_have_arrived, outbox, wanted):
        return back(f"{HOME}/{wanted}/again")
    await off_loop(outbox.send_again, wanted)
    return back(HOME)


async def _again(request: Request) -> Response:
    """The user has been told what it means."""
    await off_loop(desk_of(request).outbox.send_again, outgoing_id(request))
    return back(HOME)


async def _edit(request: Request) -> Response:
    """Make a draft of it. One that may have arrived is asked about first, as by :func:`_send`."""
    wanted = outgoing_id(request)
    async with request.form() as form:
        sure = "sure" in form
    if not sure and await off_loop(_may_have_arrived, desk_of(request).outbox, wanted):
        return back(f"{HOME}/{wanted}/again")
    draft = await off_loop(desk_of(request).writing.take_back, wanted)
    return back(f"/compose/{draft.id}")


def _may_have_arrived(outbox: Outbox, wanted: str) -> bool:
    found = outbox.find(wanted)
    return found is not None and bool(found.unsure)


async def _discard(request: Request) -> Response:
    outbox, wanted = desk_of(request).outbox, outgoing_id(request)
    await off_loop(outbox.discard, wanted)
    gone = await off_loop(outbox.find, wanted) is None  # one that cannot go yet says so itself
    return back(f"{HOME}?discarded" if gone else HOME)


ROUTES: list[BaseRoute] = [
    Route(HOME + "/{outgoing}/send", _send, methods=["POST"]),
    Route(HOME + "/{outgoing}/again", _again, methods=["POST"]),
    Route(HOME + "/{outgoing}/edit", _edit, methods=["POST"]),
    Route(HOME + "/{outgoing}/discard", _discard, methods=["POST"]),
]
