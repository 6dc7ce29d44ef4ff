"""What is typed and chosen on these pages."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request

from pillarbox.reader.contracts import Library
from pillarbox.reader.model import Folder, FolderState

Fields = dict[str, str]


async def fields_of(request: Request) -> Fields:
    """The texts of a form; of a field that is repeated, the last."""
    async with request.form() as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def own(states: Iterable[FolderState]) -> list[FolderState]:
    """The user's."""
    return [state for state in states if state.own]


def choices(library: Library) -> list[Folder]:
    """Folders that mail can be put into, in the order of the sidebar."""
    return [state.folder for state in library.folders()]
