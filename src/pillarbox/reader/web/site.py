"""The application: all routes of all features, behind the guard."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from pillarbox.reader.desk import Desk
from pillarbox.reader.web.pages import STATIC, make_environment


def make_site(desk: Desk) -> Starlette:
    """All pages for *desk*."""
    routes: list[BaseRoute] = [Mount("/static", StaticFiles(directory=STATIC), name="static")]
    site = Starlette(routes=routes)
    site.state.desk = desk
    site.state.templates = make_environment()
    return site
