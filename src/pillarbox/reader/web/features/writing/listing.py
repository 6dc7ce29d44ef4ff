"""All drafts."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.reader.model import Draft
from pillarbox.reader.web.pages import desk_of, off_loop, page

_OPENING = 200
"""Characters of the first words."""


async def _show(request: Request) -> Response:
    drafts = await off_loop(desk_of(request).drafts.all)
    damaged = await off_loop(desk_of(request).drafts.damaged)
    discarded = request.query_params.get("discarded", "")
    back_again = any(draft.id == discarded for draft in drafts)
    return await page(
        request,
        "writing/drafts.html",
        rows=[(draft, opening_of(draft)) for draft in drafts],
        damaged=damaged,
        problem=desk_of(request).drafts.problem,
        discarded=discarded if discarded.isalnum() and not back_again else "",
    )


def opening_of(draft: Draft) -> str:
    """Its first words, without what it quotes and the signature."""
    lines: list[str] = []
    for line in draft.text.split("\n"):
        if line == "-- " or line.startswith(">"):
            break
        lines.append(line)
    return " ".join(" ".join(lines).split())[:_OPENING]


ROUTES: list[BaseRoute] = [Route("/drafts", _show, methods=["GET"])]
