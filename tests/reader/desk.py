"""A desk for tests of pages: as little as a page needs, and whatever part a test brings.

In a test (which is ``async``, so that news have a loop)::

    desk = make_desk(library=my_library)
    async with visitor(desk) as browser:
        reply = await browser.get("/mail/Inbox")

The visitor stands behind the guard: it needs no cookie and no token.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType
from typing import Any, cast

import httpx
from jinja2.bccache import Bucket, BytecodeCache
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from pillarbox.reader.desk import Desk
from pillarbox.reader.model import ARCHIVE, SENT, TRASH, FolderState, Settings
from pillarbox.reader.news import News
from pillarbox.reader.web.site import make_site

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
"""What time it is on this desk."""


class Quiet:
    """Services of a reader in which nothing is: what every page asks for, and nothing else."""

    folder = Path("there-is-no-such-folder")
    """Where services keep what is theirs."""

    problem = ""
    """Nothing is wrong with a file."""

    unreadable = False
    """Not even with one of settings."""

    trash_problem = ""
    """Nor with Trash."""

    reading_in = None
    """All mail is known."""

    def folders(self) -> list[FolderState]:
        return [FolderState(folder, folder) for folder in (SENT, ARCHIVE, TRASH)]

    def all(self) -> list[Any]:
        return []

    def removed(self, name: str) -> None:
        """Nothing can be brought back."""

    def damaged(self) -> list[Any]:
        return []

    def statuses(self) -> list[Any]:
        return []

    def nudge(self, account: str | None = None) -> None:
        """There is nothing to be sent."""

    def collect(self, account: str | None = None) -> None:
        """No mail comes."""

    state = Path("there-is-no-such-folder")
    kept = (Path("there-are-no-accounts.toml"),)

    def names(self) -> list[str]:
        """There is an account: without any, everything begins with the wizard."""
        return ["work"]

    def troubles(self) -> list[str]:
        return []


def make_desk(**parts: Any) -> Desk:
    """The desk with *parts* by the names of :class:`Desk`; the rest is quiet. On an event loop."""
    quiet = cast("Any", Quiet())
    names = Desk.__dataclass_fields__
    rest = dict.fromkeys(names, quiet) | {
        "news": News(),
        "settings": parts["preferences"].settings if "preferences" in parts else Settings(),
        "clock": lambda: NOW,
    }
    return Desk(**(rest | parts))


def inside(site: ASGIApp) -> ASGIApp:
    """*site* without a guard, for somebody who is let in."""

    async def let_in(scope: Scope, receive: Receive, send: Send) -> None:
        await site({**scope, "inside": True}, receive, send)

    return let_in


class Compiled(BytecodeCache):
    """Templates are compiled once for all sites of a run."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._found.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._found[bucket.key, bucket.checksum] = bucket.code


_COMPILED = Compiled()


def site_of(desk: Desk) -> Starlette:
    """All its pages."""
    site = make_site(desk)
    site.state.templates.bytecode_cache = _COMPILED
    return site


@asynccontextmanager
async def visitor(desk: Desk, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without scripts at the pages of *desk*; redirects are not followed."""
    transport = httpx.ASGITransport(inside(site_of(desk)), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8080", **options
    ) as client:
        yield client
