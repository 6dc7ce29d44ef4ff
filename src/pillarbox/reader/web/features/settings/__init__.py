"""The page ``/settings``: what the user may set, and what this is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox import __version__
from pillarbox.reader.desk import Desk
from pillarbox.reader.preferences import BOUNDS
from pillarbox.reader.web.pages import back, desk_of, off_loop, page

_MINUTE = 60.0


def routes(_: Desk) -> list[BaseRoute]:
    return [
        Route("/settings", _show, methods=["GET"]),
        Route("/settings", _save, methods=["POST"]),
        Route("/settings/size", _size),
    ]


async def _show(request: Request) -> Response:
    settings = desk_of(request).settings
    typed = {
        "trash_days": f"{settings.trash_days}",
        "hold_seconds": f"{settings.hold_seconds:g}",
        "interval_minutes": f"{settings.interval_seconds / _MINUTE:g}",
        "keys": settings.keys,
    }
    return await _page(request, typed, saved="saved" in request.query_params)


async def _save(request: Request) -> Response:
    async with request.form() as form:
        texts = {name: value for name, value in form.items() if isinstance(value, str)}
    typed: dict[str, Any] = {
        name: texts.get(name, "").strip()
        for name in ("trash_days", "hold_seconds", "interval_minutes")
    }
    typed["keys"] = "keys" in texts
    values, wrong = _understood(typed)
    if wrong:
        return await _page(request, typed, wrong=wrong, status=422)
    await off_loop(lambda: desk_of(request).preferences.change(**values))
    return back("/settings?saved")


def _understood(typed: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings, and what is wrong, by field."""
    values: dict[str, Any] = {"keys": typed["keys"]}
    wrong: dict[str, str] = {}
    for field, name, kind, factor in (
        ("trash_days", "trash_days", int, 1),
        ("hold_seconds", "hold_seconds", float, 1),
        ("interval_minutes", "interval_seconds", float, _MINUTE),
    ):
        bounds = BOUNDS[name]
        least, most = bounds.least / factor, bounds.most / factor
        try:
            number = kind(typed[field].replace(",", "."))
        except (ValueError, OverflowError):
            number = None
        if number is None or not least <= number <= most:
            wrong[field] = f"Write a number from {least:g} to {most:g}."
        else:
            values[name] = number * factor if factor != 1 else number
    return values, wrong


async def _page(
    request: Request,
    typed: dict[str, Any],
    *,
    wrong: dict[str, str] | None = None,
    saved: bool = False,
    status: int = 200,
) -> Response:
    kept = await off_loop(lambda: desk_of(request).accounts.kept)
    return await page(
        request,
        "settings/index.html",
        status=status,
        typed=typed,
        wrong=wrong or {},
        saved=saved,
        problem=desk_of(request).preferences.problem,
        trash_problem=desk_of(request).library.trash_problem,
        place=str(desk_of(request).preferences.folder),
        state=str(desk_of(request).accounts.state),
        accounts_kept=[str(path) for path in kept],
        version=__version__,
    )


async def _size(request: Request) -> Response:
    """How large the library is, on a page of its own: all files have to be looked at."""
    folder = desk_of(request).preferences.folder
    octets, files = await off_loop(_measured, folder)
    return await page(request, "settings/size.html", octets=octets, files=files, place=str(folder))


def _measured(folder: Path) -> tuple[int, int]:
    """Octets and number of files. What goes meanwhile, or cannot be read, does not count."""
    octets = files = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                octets += (Path(place) / name).lstat().st_size
            except OSError:
                continue
            files += 1
    return octets, files
