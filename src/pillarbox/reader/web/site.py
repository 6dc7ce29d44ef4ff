"""The application: all routes of all features, and what is shown when something went wrong.

Who may come in is the guard's business, which stands in front of this.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from contextlib import suppress

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from pillarbox.reader.desk import Desk
from pillarbox.reader.errors import (
    LibraryUnusable,
    NoSuchDraft,
    NoSuchFolder,
    NoSuchMessage,
    ReaderError,
)
from pillarbox.reader.sentences import reworded
from pillarbox.reader.web import events, files
from pillarbox.reader.web.pages import (
    desk_of,
    feature_names,
    make_environment,
    off_loop,
    page,
)

_GONE = (NoSuchMessage, NoSuchFolder, NoSuchDraft)


def make_site(desk: Desk) -> Starlette:
    """All pages for *desk*. Each package in ``features`` has its routes in it."""
    routes: list[BaseRoute] = [
        files.route(),
        Route("/", _home),
        *events.routes(),
    ]
    for name in feature_names():
        module = importlib.import_module(f"pillarbox.reader.web.features.{name}")
        theirs: Callable[[Desk], list[BaseRoute]] = module.routes
        routes += theirs(desk)
    site = Starlette(
        routes=routes,
        exception_handlers={
            ReaderError: _known_problem,
            HTTPException: _http_problem,
            ClientDisconnect: _left,
            Exception: _defect,
        },
    )
    site.state.desk = desk
    site.state.templates = make_environment(desk.clock)
    return site


async def _home(request: Request) -> Response:
    """The mail; where there is none yet, the way to it."""
    names = await off_loop(desk_of(request).accounts.names)
    return RedirectResponse("/mail/Inbox" if names else "/accounts/new", status_code=303)


async def _known_problem(request: Request, error: Exception) -> Response:
    """The error's own sentences."""
    said = reworded(str(error))
    if isinstance(error, _GONE):
        return await problem(request, "Not there any more", said, 404)
    # A disk that is full, or away: pages go on trying, which they do not when it is about what they ask for.
    status = 503 if isinstance(error, LibraryUnusable) else 409
    return await problem(request, "This did not work", said, status)


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- as it was registered
    if error.status_code == 404:  # noqa: PLR2004 -- HTTP's own
        return await problem(
            request,
            "There is no such page",
            "The address leads nowhere. Your mail is in the list.",
            404,
        )
    say = f"{error.detail}."
    if error.status_code == 405:  # noqa: PLR2004 -- as above
        say = "This address is for what a page sends, and shows nothing by itself. Your mail is in the list."
    response = await problem(request, "This did not work", say, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _left(request: Request, error: Exception) -> Response:
    """A page was left, or loaded again, while it sent something: nobody reads the reply, and nothing has failed."""
    del request, error
    return Response(status_code=400)


async def _defect(request: Request, error: Exception) -> Response:
    """Nothing of *error* is shown: the log has all of it."""
    del error
    said = (
        "Something in Pillarbox failed. Your mail is not affected. "
        "Try again; what exactly failed is in the log of `pillarbox read`."
    )
    return await problem(request, "Something went wrong", said, 500)


async def problem(request: Request, title: str, said: str, status: int) -> Response:
    """A page that says what is wrong; open pages that asked by script show the same as a passing notice. Who was not let
    in sees nothing else on it.
    """
    response: Response | None = None
    if request.scope.get("inside"):
        with suppress(Exception):  # what failed may be what every page needs
            response = await page(request, "problem.html", status=status, heading=title, said=said)
    response = response or alone(request, title, said, status)
    if "HX-Request" in Headers(scope=request.scope):
        response.headers["HX-Trigger"] = json.dumps({"trouble": {"say": said}})
    return response


def alone(request: Request, title: str, said: str, status: int) -> Response:
    """The same without anything that comes from the services."""
    templates = request.app.state.templates
    html = templates.get_template("alone.html").render(heading=title, said=said)
    return Response(html, status, media_type="text/html")
