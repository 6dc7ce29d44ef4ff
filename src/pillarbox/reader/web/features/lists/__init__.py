"""Lists of messages, and what is done to messages in them.

``listing``   which list is looked at: a folder, or a search
``views``     the pages: a list and what is open beside it; the status of all accounts
``naming``    what a list is called, and what is said when it is empty
``seen``      what of a list was there when a page was made
``choice``    which messages an action is for
``actions``   archive, delete, move, mark, erase, undo
``told``      what was done a moment ago, for pages without scripts

The scripts are in ``static/lists.js`` and ``static/lists/``.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from pillarbox.reader.desk import Desk
from pillarbox.reader.web.features.lists.actions import Actions
from pillarbox.reader.web.features.lists.told import Told
from pillarbox.reader.web.features.lists.views import Views


def routes(desk: Desk) -> list[BaseRoute]:
    """The lists' pages."""
    told = Told()
    views, actions = Views(desk, told), Actions(desk, told)
    return [
        Route("/mail/{folder:path}", views.folder),
        Route("/search", views.search),
        Route("/message/{key}", views.message),
        Route("/status", views.status),
        *(
            Route(f"/do/{name}", action, methods=["POST"])
            for name, action in actions.by_name().items()
        ),
        Route("/undo/{change}", actions.undo, methods=["POST"]),
    ]
