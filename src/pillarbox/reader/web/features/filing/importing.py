"""``/import``: mail of other programs comes in."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.reader.incoming import Received, not_kept
from pillarbox.reader.mail.names import safe_name
from pillarbox.reader.model import ARCHIVE, Folder
from pillarbox.reader.web.features.filing.forms import choices
from pillarbox.reader.web.features.filing.jobs import Jobs
from pillarbox.reader.web.pages import back, desk_of, off_loop, page, sent_form

MAX_FILES = 1000
"""In one upload; each holds memory or an open file until all are there."""


def routes(jobs: Jobs) -> list[BaseRoute]:
    async def show(request: Request) -> Response:
        return await _form(request, "", ARCHIVE)

    async def start(request: Request) -> Response:
        return await _start(request, jobs)

    async def follow(request: Request) -> Response:
        job = jobs.find(request.path_params["job"])
        return back("/import") if job is None else await page(request, "filing/job.html", job=job)

    return [
        Route("/import", show, methods=["GET"]),
        Route("/import", start, methods=["POST"]),
        Route("/import/{job}", follow, methods=["GET"]),
    ]


async def _start(request: Request, jobs: Jobs) -> Response:
    """Of files that were sent, or of a path on this machine."""
    desk = desk_of(request)
    async with sent_form(request, max_files=MAX_FILES) as form:
        into, path = Folder(str(form.get("into", ""))), str(form.get("path", "")).strip()
        sent = [each for each in form.getlist("file") if isinstance(each, UploadFile)]
        sent = [each for each in sent if each.filename]
        if into not in await off_loop(choices, desk.library):
            return await _form(request, path, into, "into", "Choose a folder that is there.")
        if sent:
            room, sources = await off_loop(_received, jobs, sent)
        elif path:
            room, sources = None, [await off_loop(_place, path)]
        else:
            return await _form(request, path, into, "file", "Choose a file, or write where one is.")
    if not await off_loop(_are_there, sources):
        wrong = "There is nothing at this place. Write the whole path, from / on."
        return await _form(request, path, into, "path", wrong)
    return back(f"/import/{jobs.start(sources, into, room).id}")


def _place(path: str) -> Path:
    """``~`` is the user's own folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # there is no user of that name
        return Path(path)


def _are_there(paths: Sequence[Path]) -> bool:
    """Whether all of them are, by their whole paths."""
    try:
        return all(path.is_absolute() and path.exists() for path in paths)
    except (OSError, ValueError):
        return False


def _received(jobs: Jobs, sent: Sequence[UploadFile]) -> tuple[Path, list[Path]]:
    """The files on disk by their own names, and the folder that holds them, each in one of its own: names may be the same.

    Raises:
        LibraryUnusable: there is no room for them.
    """
    room = None
    try:
        room = jobs.room()
        paths = []
        for number, each in enumerate(sent, 1):
            name = safe_name(each.filename or "", "", str(number))
            paths.append(room / str(number) / name)
            paths[-1].parent.mkdir()
            with paths[-1].open("xb") as file:
                Received(each.file).into(file)
    except OSError as error:
        if room is not None:
            shutil.rmtree(room, ignore_errors=True)
        raise not_kept(error) from error
    return room, paths


async def _form(
    request: Request, path: str, into: str, field: str = "", wrong: str = ""
) -> Response:
    return await page(
        request,
        "filing/import.html",
        status=422 if wrong else 200,
        choices=await off_loop(choices, desk_of(request).library),
        path=path,
        into=into,
        wrong={field: wrong} if wrong else {},
    )
