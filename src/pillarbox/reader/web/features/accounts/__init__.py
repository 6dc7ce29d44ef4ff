"""Accounts: the wizard for a new one (``wizard``), and what is known and can be changed of each (``overview``),
where its mail comes from (``collecting``) and leaves (``sending``).
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from pillarbox.reader.desk import Desk
from pillarbox.reader.web.features.accounts import collecting, overview, sending
from pillarbox.reader.web.features.accounts.wizard import Wizard


def routes(desk: Desk) -> list[BaseRoute]:
    """All of this feature. The wizard's come first: ``new`` is no account."""
    return [*Wizard(desk).routes(), *overview.routes(), *collecting.routes(), *sending.routes()]
