"""Pages for putting mail in order: folders, rules, import and export."""

from __future__ import annotations

from starlette.routing import BaseRoute

from pillarbox.reader.desk import Desk
from pillarbox.reader.web.features.filing import exporting, folders, importing, rules
from pillarbox.reader.web.features.filing.jobs import Jobs


def routes(desk: Desk) -> list[BaseRoute]:
    return [
        *folders.routes(),
        *rules.routes(),
        *importing.routes(Jobs(desk)),
        *exporting.routes(),
    ]
