"""A template becomes a reply.

Every reply is a whole page; htmx takes out of it what has changed (``hx-select``). So there is one way to
make a page, and no way for a part to differ from the whole.
"""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from anyio import to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pillarbox.reader.contracts import Clock, Outbox
from pillarbox.reader.desk import Desk
from pillarbox.reader.incoming import make_ready, not_kept
from pillarbox.reader.model import FolderState, mark_of
from pillarbox.reader.preferences import Preferences
from pillarbox.reader.web import features, marking, sidebar, status_line, words
from pillarbox.reader.web.files import files
from pillarbox.reader.web.stuck import stuck

TEMPLATES = Path(__file__).parent / "templates"

PLACES = (
    ("/contacts", "Contacts", "people"),
    ("/rules", "Rules", "rules"),
    ("/accounts", "Accounts", "account"),
    ("/settings", "Settings", "settings"),
)
"""Path, name and icon of what stands below the folders."""
_FIRST = ("", "lists", "letters")
"""Whose templates are needed first: every page's, those of a list, of an open message."""

SIGNED_OUT = "You are signed out here. Sign in, in another tab, and this goes on."
"""What pages say, and scripts, where a password is asked for."""

_PART = 1 << 20
"""Octets of a field that is no file."""

_VENDOR = "vendor/"
"""Scripts of others, which are no modules."""

T = TypeVar("T")


async def off_loop(work: Callable[..., T], *arguments: Any) -> T:
    """What *work* returns, done in a thread: services block."""
    return await to_thread.run_sync(work, *arguments)


def make_environment(clock: Clock) -> Environment:
    """Everything is escaped, whatever the template is called; what is not there is an error.

    Filters are those of :mod:`.words`, :mod:`.sidebar` and :mod:`.status_line`, and ``text|marked(words)``, ``rule|mark_of``; ``static(name)`` is the URL of a file; ``clock()`` tells the time.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,  # an upgrade under a running reader brings templates that know other variables
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        words.FILTERS
        | sidebar.FILTERS
        | status_line.FILTERS
        | {"marked": marking.mark, "mark_of": mark_of}
    )
    environment.globals.update(
        clock=clock,
        static=files().url_of,
        places=PLACES,
        signed_out=SIGNED_OUT,
        styles=("base.css", "layout.css", *_theirs("css")),
        scripts=("shell.js", "keys.js", "events.js", *_theirs("js")),
        modules=[name for name in files().names(".js") if not name.startswith(_VENDOR)],
    )
    return environment


def compile_all(environment: Environment) -> None:
    """Make code of all templates, so that no page has to wait for its own. Blocking: a third of a second in all, what
    the first pages need before the rest.
    """
    for name in sorted(environment.list_templates(["html", "css"]), key=_turn):
        environment.get_template(name)


def _turn(template: str) -> tuple[int, str]:
    folder = template.rpartition("/")[0]
    return _FIRST.index(folder) if folder in _FIRST else len(_FIRST), template


def _theirs(suffix: str) -> tuple[str, ...]:
    """Styles or scripts of features: those that exist, by name."""
    names = (f"{feature}.{suffix}" for feature in feature_names())
    return tuple(name for name in names if name in files().contents)


def feature_names() -> tuple[str, ...]:
    """All packages in ``features``, by name."""
    return tuple(sorted(each.name for each in pkgutil.iter_modules(features.__path__)))


def by_script(request: Request) -> bool:
    """Whether it is our scripts that ask: they want to know what was done, and stay where they are."""
    return "HX-Request" in request.headers


def tell(say: str, change: str = "") -> Response:
    """To a script: what was done, as a sentence, and the *change* that can be undone (empty: none)."""
    told = {"changed": {"id": change, "say": say}}
    return Response(status_code=204, headers={"HX-Trigger": json.dumps(told)})


def desk_of(request: Request) -> Desk:
    """The services."""
    desk: Desk = request.app.state.desk
    return desk


async def page(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    """The page of *template*, with what every page shows beside its own *context*.

    Templates extend ``layout.html``, and find: ``folders``, ``statuses``, ``waiting`` (messages in the outbox that leave by themselves), ``stuck`` (those that do not), ``outbox_trouble`` (what is wrong with it, in a word),
    ``unsettled`` (what is wrong with the settings, in a word), ``drafts`` (how many), ``settings``, ``now``, ``here`` (the path of the URL, decoded, for what is marked as current), ``csrf``, ``locked`` (a password opens this page).
    """
    common = await off_loop(_common, desk_of(request), context.get("folders"))
    environment: Environment = request.app.state.templates
    html = environment.get_template(template).render(
        common
        | {
            "here": request.scope["path"],
            "csrf": request.scope.get("csrf", ""),
            "told": request.scope.get("told", 0),
            "locked": request.scope.get("locked", False),
            "request": request,
        }
        | context
    )
    return HTMLResponse(html, status)


def _common(desk: Desk, folders: Sequence[FolderState] | None) -> dict[str, Any]:
    """*folders*: as the page has asked for them already."""
    outbox = desk.outbox.all()
    return {
        "folders": desk.library.folders() if folders is None else folders,
        "statuses": desk.collector.statuses(),
        "waiting": sum(not outgoing.stuck for outgoing in outbox),
        "stuck": stuck(outbox),
        "outbox_trouble": _outbox_trouble(desk.outbox),
        "unsettled": _unsettled(desk.preferences),
        "drafts": len(desk.drafts.all()),
        "settings": desk.settings,
        "now": desk.clock(),
    }


def _outbox_trouble(outbox: Outbox) -> str:
    if outbox.problem:
        return "The outbox cannot be read"
    return "The outbox is damaged" if outbox.damaged() else ""


def _unsettled(preferences: Preferences) -> str:
    if not preferences.problem:
        return ""
    return f"The settings {'cannot be read' if preferences.unreadable else 'are damaged'}"


def back(to: str) -> Response:
    """After a POST: go to *to*, a path of this site."""
    return RedirectResponse(to if is_ours(to) else "/", status_code=303)


def is_ours(url: str) -> bool:
    """Whether *url* is a path, and so leads to this site. Browsers pass over tabs and line ends in it."""
    read = re.sub(r"[\t\r\n]", "", url)
    return read.startswith("/") and not read.startswith(("//", "/\\"))


@asynccontextmanager
async def sent_form(
    request: Request, *, max_files: int, max_part_size: int = _PART
) -> AsyncIterator[FormData]:
    """The form of *request*, which may have large files; they are there until the block is left.

    Raises:
        LibraryUnusable: there is no room for them.
    """
    await off_loop(make_ready)
    try:
        form = await request.form(max_files=max_files, max_part_size=max_part_size)
    except OSError as error:
        raise not_kept(error) from error
    try:
        yield form
    finally:
        await form.close()


def chosen(values: Sequence[Any]) -> tuple[str, ...]:
    """The texts among the values of a form field."""
    return tuple(value for value in values if isinstance(value, str))
