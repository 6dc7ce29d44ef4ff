"""Writing: the page of a draft, the list of drafts, contacts.

``composing``  a draft: begun, shown, saved, sent, discarded
``keeping``    what came with its form is kept; its page
``files``      what is attached to it; the quote, in a frame of its own
``senders``    what From offers
``typed``      what a form of a draft holds
``mailto``     links that begin a message
``listing``    all drafts
``people``     contacts
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from pillarbox.reader.desk import Desk
from pillarbox.reader.web.features.writing import composing, files, listing, people


def routes(_: Desk) -> list[BaseRoute]:
    """All of them."""
    return [*composing.ROUTES, *files.ROUTES, *listing.ROUTES, *people.ROUTES]
