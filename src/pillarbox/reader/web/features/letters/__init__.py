"""A message on the page.

``context``   what ``letters/thread.html`` shows: a thread, with one message of it open
``opened``    that message: header, text in blocks, attachments, invitations
``frame``     HTML mail in a document of its own, which can do nothing; and for printing
``files``     attached files, all of them in an archive, the source
``images``    whose images are always loaded
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from pillarbox.reader.desk import Desk
from pillarbox.reader.web.features.letters.files import show_archive, show_part, show_source
from pillarbox.reader.web.features.letters.frame import show_frame, show_print
from pillarbox.reader.web.features.letters.images import allow_images


def routes(_: Desk) -> list[BaseRoute]:
    """All below ``/message/KEY``."""
    return [
        Route("/message/{key}/html", show_frame),
        Route("/message/{key}/print", show_print),
        Route("/message/{key}/part/{number}", show_part),
        Route("/message/{key}/attachments.zip", show_archive),
        Route("/message/{key}/source", show_source),
        Route("/message/{key}/images", allow_images, methods=["POST"]),
    ]
