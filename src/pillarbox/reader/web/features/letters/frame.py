"""HTML mail in a document of its own, which can do nothing.

The document stands in a frame without scripts. Its own policy lets it load images of the message, and, when the user
has said so, images from elsewhere; nothing else, ever.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import astuple
from urllib.parse import quote, urlencode

from jinja2 import Environment
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pillarbox.reader.mail.clean import Cleaned, clean
from pillarbox.reader.mail.ground import Ground
from pillarbox.reader.mail.letter import Letter, read_letter
from pillarbox.reader.model import MessageKey
from pillarbox.reader.web.features.letters.images import senders_of
from pillarbox.reader.web.features.letters.opened import passages_of
from pillarbox.reader.web.marking import mark
from pillarbox.reader.web.pages import desk_of, off_loop

_POLICY = (
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox{modals}; default-src 'none'; "
    "script-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:{remote}; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
_TAGS = re.compile(r"(<(?:[^>\"]|\"[^\"]*\")*>)")
"""As nh3 writes them: values always in double quotes."""

_REMOTE = " https: http:"
_PRINTED = " allow-modals"
"""The browser's own dialog for printing counts as one."""


async def show_frame(request: Request) -> Response:
    """``/message/KEY/html?images=1``: the HTML of a message, with images from elsewhere or without."""
    remote = request.query_params.get("images") == "1"
    letter, cleaned = await off_loop(_cleaned, request, remote)
    response = _rendered(request, "letters/frame.html", letter, cleaned)
    response.headers.update(_headers(remote=remote))
    return response


async def show_print(request: Request) -> Response:
    """``/message/KEY/print``: header and text, on white paper."""
    remote, plain = (request.query_params.get(name) == "1" for name in ("images", "plain"))
    letter, cleaned = await off_loop(_cleaned, request, remote)
    remote = remote or await off_loop(senders_of(request).allows, letter)
    if remote and cleaned.blocked:
        letter, cleaned = await off_loop(_cleaned, request, remote)
    response = _rendered(request, "letters/print.html", letter, Cleaned("") if plain else cleaned)
    response.headers.update(_headers(remote=remote, modals=_PRINTED))
    return response


def written_here(mailto: str) -> str:
    """Where a link that writes a mail leads to: our own page for it."""
    return f"/compose?{urlencode({'mailto': mailto})}"


def _headers(*, remote: bool, modals: str = "") -> dict[str, str]:
    return {
        "Content-Security-Policy": _POLICY.format(remote=_REMOTE if remote else "", modals=modals),
        "Referrer-Policy": "no-referrer",
    }


def _cleaned(request: Request, remote: bool) -> tuple[Letter, Cleaned]:  # noqa: FBT001 -- for a thread
    """Blocking."""
    key = MessageKey(request.path_params["key"])
    letter = read_letter(desk_of(request).library.read(key))
    numbers = {part.content_id: part.number for part in letter.parts if part.content_id}

    def address_of(content_id: str) -> str | None:
        number = numbers.get(content_id)
        return f"/message/{quote(key)}/part/{quote(number)}" if number else None

    return letter, clean(letter.html, remote=remote, cid=address_of, mailto=written_here)


def marked(cleaned: str, words: Sequence[str]) -> Markup:
    """HTML that has been through the cleaner, with what was searched for marked in its text."""
    if not words:
        return Markup(cleaned)  # noqa: S704 -- it is what css has let through -- the cleaner's
    pieces = (
        piece if piece.startswith("<") else mark(html.unescape(piece), words)
        for piece in _TAGS.split(cleaned)
    )
    return Markup("".join(pieces))  # noqa: S704 -- the cleaner's tags, and text that was escaped


def _rendered(request: Request, template: str, letter: Letter, cleaned: Cleaned) -> HTMLResponse:
    environment: Environment = request.app.state.templates
    document = environment.get_template(template).render(
        letter=letter,
        # It has been through the cleaner.
        fragment=marked(cleaned.html, request.query_params.getlist("word")),
        sheet=Markup(cleaned.sheet),  # noqa: S704
        ground=Ground(*map(Markup, astuple(cleaned.ground))),
        dark=cleaned.dark,
        passages=() if cleaned.html else tuple(passages_of(letter)),
        words=(),
    )
    return HTMLResponse(document)
