"""The outbox: what waits to leave, why, and what can be done about it.

``states``  what each state is called, and what can be done in it
``pages``   the list, one message, and the two questions that are asked before something happens
``acts``    what the buttons do
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from pillarbox.reader.desk import Desk
from pillarbox.reader.web.features.outbox import acts, pages


def routes(_: Desk) -> list[BaseRoute]:
    """All of them."""
    return [*pages.ROUTES, *acts.ROUTES]
